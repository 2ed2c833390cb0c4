#include "analyzer/symbols/symbol_index.h"

#include <algorithm>
#include <cstring>

namespace tidemark::symbols {
namespace {

// A symbol without a size (assembler code) is believed for this far.
constexpr uint64_t kUnsizedReach = 4096;
// Small functions may lie inside the range of a larger symbol: so many symbols back a covering one is looked for.
constexpr int kLookBack = 8;

unsigned rank_of(const GElf_Sym& symbol, const char* name) {
  unsigned rank = 0;
  while (name[rank] == '_') ++rank;  // malloc before __libc_malloc
  if (GELF_ST_BIND(symbol.st_info) == STB_LOCAL) rank += 16;
  if (symbol.st_size == 0) rank += 256;
  return rank;
}

}  // namespace

SymbolIndex::SymbolIndex(Dwfl_Module* module) {
  const int count = dwfl_module_getsymtab(module);
  for (int i = 1; i < count; ++i) {
    GElf_Sym symbol;
    GElf_Addr address = 0;
    GElf_Word section = 0;
    const char* const name = dwfl_module_getsym_info(module, i, &symbol, &address, &section, nullptr, nullptr);
    if (name == nullptr || name[0] == 0 || section == SHN_UNDEF) continue;
    const auto type = GELF_ST_TYPE(symbol.st_info);
    const bool function = type == STT_FUNC || type == STT_GNU_IFUNC;
    const bool label = type == STT_NOTYPE && GELF_ST_BIND(symbol.st_info) != STB_LOCAL && section < SHN_LORESERVE;
    if (!function && !label) continue;
    symbols_.push_back({address, symbol.st_size, name, rank_of(symbol, name)});
  }
  std::sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) {
    if (a.address != b.address) return a.address < b.address;
    if (a.rank != b.rank) return a.rank < b.rank;
    return std::strcmp(a.name, b.name) < 0;
  });
  const auto same_address = [](const Symbol& a, const Symbol& b) { return a.address == b.address; };
  symbols_.erase(std::unique(symbols_.begin(), symbols_.end(), same_address), symbols_.end());
  symbols_.shrink_to_fit();
}

const char* SymbolIndex::find(uint64_t address) const noexcept {
  auto at = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                             [](uint64_t wanted, const Symbol& symbol) { return wanted < symbol.address; });
  const Symbol* unsized = nullptr;
  for (int back = 0; back < kLookBack && at != symbols_.begin(); ++back) {
    --at;
    if (address - at->address < at->bytes) return at->name;
    if (back == 0 && at->bytes == 0 && address - at->address < kUnsizedReach) unsized = &*at;
  }
  return unsized != nullptr ? unsized->name : nullptr;
}

}  // namespace tidemark::symbols

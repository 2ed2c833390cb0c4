#include "analyzer/symbols/object_symbols.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "analyzer/base/short_names.h"
#include "analyzer/symbols/demangle.h"
#include "analyzer/symbols/template_name.h"

namespace tidemark::symbols {
namespace {

// Data of assembler code states no size; it is believed for this far.
constexpr uint64_t kUnsizedReach = 256;
constexpr size_t kMaxNameBytes = 16384;

bool is_compilers_own(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kPrefixes = {"_ZTI",
                                                                 "_ZTS",
                                                                 "_ZTT",
                                                                 "_ZTC",
                                                                 "_ZTH",
                                                                 "_ZTW",
                                                                 "_ZGV",
                                                                 "_DYNAMIC",
                                                                 "_GLOBAL_OFFSET_TABLE_",
                                                                 "__FRAME_END__",
                                                                 "__TMC_END__",
                                                                 "__dso_handle",
                                                                 "__do_global_dtors_aux_fini_array_entry",
                                                                 "__frame_dummy_init_array_entry"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

// Of several names of one variable the one that the program uses: environ before __environ, exported before local.
bool goes_before(const ObjectSymbol& a, const ObjectSymbol& b) {
  if (a.start != b.start) return a.start < b.start;
  if (a.end != b.end) return a.end > b.end;
  const auto underscores = [](const char* name) {
    return std::strncmp(name, "_Z", 2) == 0 ? 0 : std::strspn(name, "_");
  };
  const size_t of_a = underscores(a.name), of_b = underscores(b.name);
  return of_a != of_b ? of_a < of_b : std::strcmp(a.name, b.name) < 0;
}

// Ascending and disjoint: what begins inside another one is dropped.
void arrange(std::vector<ObjectSymbol>& symbols) {
  std::sort(symbols.begin(), symbols.end(), goes_before);
  size_t kept = 0;
  for (const ObjectSymbol& symbol : symbols) {
    if (kept != 0 && symbol.start < symbols[kept - 1].end) continue;
    symbols[kept++] = symbol;
  }
  symbols.resize(kept);
  for (size_t i = 0; i + 1 < kept; ++i) {
    if (symbols[i].start == symbols[i].end)
      symbols[i].end = std::min(symbols[i].start + kUnsizedReach, symbols[i + 1].start);
  }
  std::erase_if(symbols, [](const ObjectSymbol& symbol) { return symbol.start == symbol.end; });
  symbols.shrink_to_fit();
}

}  // namespace

uint32_t find_symbol(std::span<const ObjectSymbol> symbols, uint64_t address) noexcept {
  const auto behind =
      std::upper_bound(symbols.begin(), symbols.end(), address,
                       [](uint64_t wanted, const ObjectSymbol& symbol) { return wanted < symbol.start; });
  if (behind == symbols.begin() || (behind - 1)->end <= address) return kNoSymbol;
  return static_cast<uint32_t>(behind - 1 - symbols.begin());
}

ObjectSymbols::ObjectSymbols(Dwfl_Module* module) {
  GElf_Addr bias = 0;
  if (Elf* elf = dwfl_module_getelf(module, &bias)) read_layout(elf, bias);
  const int count = dwfl_module_getsymtab(module);
  for (int i = 1; i < count; ++i) {
    GElf_Sym symbol;
    GElf_Addr address = 0;
    GElf_Word section = 0;
    const char* const name = dwfl_module_getsym_info(module, i, &symbol, &address, &section, nullptr, nullptr);
    if (name == nullptr || name[0] == 0 || section == SHN_UNDEF || section == SHN_ABS) continue;
    const auto type = GELF_ST_TYPE(symbol.st_info);
    const bool is_thread_local = type == STT_TLS;
    if ((type != STT_OBJECT && type != STT_COMMON && !is_thread_local) || is_compilers_own(name)) continue;
    if (is_thread_local) address = symbol.st_value;  // an offset: has no bias
    uint64_t end = 0;
    if (__builtin_add_overflow(address, symbol.st_size, &end)) continue;
    // One that claims to be larger than its place would hide others.
    if (is_thread_local && end > thread_local_bytes_) continue;
    const auto place = std::upper_bound(sections_.begin(), sections_.end(), address,
                                        [](uint64_t wanted, const Section& a) { return wanted < a.start; });
    if (!is_thread_local && place != sections_.begin() && end > std::max((place - 1)->end, address)) continue;
    auto& list = is_thread_local ? thread_local_ : std::strncmp(name, "_ZTV", 4) == 0 ? vtables_ : data_;
    list.push_back({address, end, name});
  }
  arrange(data_);
  arrange(thread_local_);
  arrange(vtables_);
}

void ObjectSymbols::read_layout(Elf* elf, uint64_t bias) {
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) == 0) {
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr header;
      if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) continue;
      if (header.p_type == PT_TLS) thread_local_bytes_ = header.p_memsz;
      if (header.p_type != PT_LOAD || (header.p_flags & PF_W) == 0) continue;
      uint64_t end = 0;
      if (__builtin_add_overflow(header.p_vaddr + bias, header.p_memsz, &end)) continue;
      if (writable_high_ == 0 || header.p_vaddr + bias < writable_low_) writable_low_ = header.p_vaddr + bias;
      writable_high_ = std::max(writable_high_, end);
    }
  }
  size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || (header.sh_flags & SHF_ALLOC) == 0) continue;
    if ((header.sh_flags & SHF_TLS) != 0 || header.sh_size == 0) continue;  // .tbss lies where others lie
    const char* const name = elf_strptr(elf, names, header.sh_name);
    uint64_t end = 0;
    if (name == nullptr || __builtin_add_overflow(header.sh_addr + bias, header.sh_size, &end)) continue;
    sections_.push_back({header.sh_addr + bias, end, name});
  }
  std::sort(sections_.begin(), sections_.end(), [](const Section& a, const Section& b) { return a.start < b.start; });
}

std::string ObjectSymbols::section_at(uint64_t address) const {
  const auto behind = std::upper_bound(sections_.begin(), sections_.end(), address,
                                       [](uint64_t wanted, const Section& a) { return wanted < a.start; });
  return behind == sections_.begin() || (behind - 1)->end <= address ? std::string() : (behind - 1)->name;
}

std::string variable_name(const char* symbol) {
  std::string name(symbol, ::strnlen(symbol, kMaxNameBytes));
  const size_t version = name.find('@');
  if (version != std::string::npos && version != 0) name.resize(version);  // std::cout's copy in a program
  if (name.starts_with("_Z") || name.starts_with("_R"))
    return short_name(without_parameters(demangle(name.c_str()).substr(0, kMaxNameBytes)));
  // C's statics inside functions are numbered: counter.0
  const size_t dot = name.rfind('.');
  const bool numbered = dot != std::string::npos && dot != 0 && dot + 1 < name.size() &&
                        name.find_first_not_of("0123456789", dot + 1) == std::string::npos;
  if (numbered) name.resize(dot);
  return name;
}

}  // namespace tidemark::symbols

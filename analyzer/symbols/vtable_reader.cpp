#include "analyzer/symbols/vtable_reader.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "analyzer/symbols/demangle.h"

namespace tidemark::symbols {
namespace {

constexpr uint64_t kWordBytes = 8;
constexpr uint64_t kMaxNameBytes = 4096;
// How far a base may lie inside its object: the word before the type information's is minus that, in bytes.
constexpr int64_t kMaxBaseOffset = 1 << 20;

uint32_t relative_type(Elf* elf) {
  GElf_Ehdr header;
  if (gelf_getehdr(elf, &header) == nullptr) return 0;
  return header.e_machine == EM_X86_64    ? uint32_t{R_X86_64_RELATIVE}
         : header.e_machine == EM_AARCH64 ? uint32_t{R_AARCH64_RELATIVE}
                                          : 0;
}

}  // namespace

VtableReader::VtableReader(Elf* elf, uint64_t bias) : bias_(bias) {
  size_t bytes = 0;
  file_ = elf_rawfile(elf, &bytes);
  if (file_ == nullptr) return;
  file_bytes_ = bytes;
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return;
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr || header.p_type != PT_LOAD) continue;
    if (header.p_offset > file_bytes_ || header.p_filesz > file_bytes_ - header.p_offset) continue;
    segments_.push_back({header.p_vaddr, header.p_filesz, header.p_offset});
  }
  const uint32_t relative = relative_type(elf);
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_RELA || header.sh_entsize == 0) continue;
    if ((header.sh_flags & SHF_ALLOC) == 0) continue;
    Elf_Data* const data = elf_getdata(section, nullptr);
    if (data == nullptr) continue;
    const size_t entries = std::min<uint64_t>(data->d_size / header.sh_entsize, INT32_MAX);
    for (size_t i = 0; i < entries; ++i) {
      GElf_Rela entry;
      if (gelf_getrela(data, static_cast<int>(i), &entry) == nullptr) break;
      if (GELF_R_TYPE(entry.r_info) == relative)
        relocations_.push_back({entry.r_offset, static_cast<uint64_t>(entry.r_addend)});
    }
  }
  std::sort(relocations_.begin(), relocations_.end(),
            [](const Relocation& a, const Relocation& b) { return a.address < b.address; });
  relocations_.shrink_to_fit();
}

const char* VtableReader::bytes_at(uint64_t address, uint64_t& count) const {
  for (const Segment& segment : segments_) {
    if (address < segment.start || address - segment.start >= segment.bytes) continue;
    count = segment.bytes - (address - segment.start);
    return file_ + segment.offset + (address - segment.start);
  }
  return nullptr;
}

std::optional<uint64_t> VtableReader::word(uint64_t address) const {
  const auto relocation = std::lower_bound(relocations_.begin(), relocations_.end(), address,
                                           [](const Relocation& a, uint64_t wanted) { return a.address < wanted; });
  if (relocation != relocations_.end() && relocation->address == address) return relocation->value;
  uint64_t count = 0, value = 0;
  const char* const at = bytes_at(address, count);
  if (at == nullptr || count < kWordBytes) return std::nullopt;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::optional<std::string> VtableReader::class_at(uint64_t address) const {
  const uint64_t vtable = address - bias_;
  const std::optional<uint64_t> to_top = word(vtable - 2 * kWordBytes);
  const std::optional<uint64_t> type = word(vtable - kWordBytes);
  if (!to_top || !type || *type == 0 || *type % kWordBytes != 0) return std::nullopt;
  const auto base = static_cast<int64_t>(*to_top);
  if (base > 0 || base < -kMaxBaseOffset) return std::nullopt;
  const std::optional<uint64_t> name = word(*type + kWordBytes);
  uint64_t count = 0;
  const char* text = name ? bytes_at(*name, count) : nullptr;
  if (text == nullptr) return std::nullopt;
  const size_t bytes = ::strnlen(text, std::min(count, kMaxNameBytes));
  if (bytes == 0 || bytes == std::min(count, kMaxNameBytes)) return std::nullopt;
  std::string_view mangled(text, bytes);
  if (mangled.front() == '*') mangled.remove_prefix(1);  // a class of this file alone
  constexpr std::string_view kTypeName = "typeinfo name for ";
  const std::string demangled = demangle(("_ZTS" + std::string(mangled)).c_str());
  if (!demangled.starts_with(kTypeName)) return std::nullopt;
  return demangled.substr(kTypeName.size());
}

}  // namespace tidemark::symbols

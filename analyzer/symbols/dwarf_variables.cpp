#include "analyzer/symbols/dwarf_variables.h"

#include <dwarf.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidemark::symbols {
namespace {

// Candidates of 16 bytes: hostile debug information could make one of every few bytes.
constexpr size_t kMaxCandidates = size_t{4} << 20;
constexpr size_t kAddressBytes = 8;
// Units may share a table; hostile ones could all share one large one. In addresses read, some 0.1 s.
constexpr size_t kMaxTableReads = size_t{1} << 26;

uint64_t load(const uint8_t* at) {
  uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// The bytes of a section; libdw has unpacked those that it uses.
Elf_Data* section_data(Dwarf* dwarf, const char* wanted) {
  Elf* const elf = dwarf_getelf(dwarf);
  size_t names = 0;
  if (elf == nullptr || elf_getshdrstrndx(elf, &names) != 0) return nullptr;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
    const char* const name = elf_strptr(elf, names, header.sh_name);
    if (name != nullptr && std::strcmp(name, wanted) == 0) return elf_getdata(section, nullptr);
  }
  return nullptr;
}

// The value of an operation that refers to the table of addresses.
std::optional<uint64_t> table_value(Dwarf_Attribute* location, const Dwarf_Op& operation) {
  Dwarf_Attribute entry;
  if (dwarf_getlocation_attr(location, &operation, &entry) != 0) return std::nullopt;
  Dwarf_Addr address = 0;
  if (dwarf_formaddr(&entry, &address) == 0) return address;
  Dwarf_Word value = 0;
  return dwarf_formudata(&entry, &value) == 0 ? std::optional<uint64_t>(value) : std::nullopt;
}

struct Place {
  uint64_t value;
  bool is_thread_local;
};

std::optional<Place> place_of(Dwarf_Die* variable) {
  Dwarf_Attribute location;
  Dwarf_Op* steps = nullptr;
  size_t count = 0;
  if (dwarf_attr(variable, DW_AT_location, &location) == nullptr) return std::nullopt;
  if (dwarf_getlocation(&location, &steps, &count) != 0 || count == 0) return std::nullopt;
  const bool is_thread_local =
      count > 1 && (steps[1].atom == DW_OP_GNU_push_tls_address || steps[1].atom == DW_OP_form_tls_address);
  std::optional<uint64_t> value;
  switch (steps[0].atom) {
    case DW_OP_addr:
    case DW_OP_const8u:
    case DW_OP_const4u:
      value = steps[0].number;
      break;
    case DW_OP_addrx:
    case DW_OP_constx:
    case DW_OP_GNU_addr_index:
    case DW_OP_GNU_const_index:
      value = table_value(&location, steps[0]);
      break;
    default:
      break;
  }
  const bool address =
      steps[0].atom == DW_OP_addr || steps[0].atom == DW_OP_addrx || steps[0].atom == DW_OP_GNU_addr_index;
  if (!value || (!address && !is_thread_local)) return std::nullopt;
  return Place{*value, is_thread_local};
}

}  // namespace

DwarfVariables::DwarfVariables(Dwarf* dwarf, uint64_t low, uint64_t high, uint64_t thread_local_bytes,
                               EntryBudget& budget)
    : budget_(budget), low_(low), high_(high), thread_local_bytes_(thread_local_bytes) {
  std::vector<std::pair<uint64_t, uint32_t>> bases;  // where units' addresses begin in the table
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die, split;
  uint8_t kind = 0;
  while (dwarf_get_units(dwarf, unit, &unit, nullptr, &kind, &die, &split) == 0) {
    if (kind == DW_UT_type) continue;
    const auto index = static_cast<uint32_t>(units_.size());
    const bool is_split = kind == DW_UT_skeleton && split.addr != nullptr;
    units_.push_back({is_split ? split : die});
    const Dwarf_Off start = dwarf_dieoffset(&die);
    const Dwarf_Off header = start - dwarf_cuoffset(&die);
    Dwarf_Off next = 0;
    size_t header_bytes = 0;
    if (dwarf_next_unit(dwarf, header, &next, &header_bytes, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) ==
            0 &&
        next > start) {
      const auto* const begin = static_cast<const uint8_t*>(die.addr);
      scan_unit(begin, begin + (next - start), index);
    }
    Dwarf_Attribute attribute;
    Dwarf_Off base = 0;
    if ((dwarf_attr(&die, DW_AT_addr_base, &attribute) != nullptr ||
         dwarf_attr(&die, DW_AT_GNU_addr_base, &attribute) != nullptr) &&
        dwarf_formudata(&attribute, &base) == 0)
      bases.emplace_back(base, index);
  }
  scan_addresses(dwarf, bases);
  for (Candidates* candidates : {&data_candidates_, &thread_local_candidates_}) {
    std::stable_sort(candidates->begin(), candidates->end(),
                     [](const Candidate& a, const Candidate& b) { return a.address < b.address; });
    candidates->shrink_to_fit();
  }
}

void DwarfVariables::note(uint64_t value, uint32_t unit, bool is_thread_local) {
  if (is_thread_local ? value >= thread_local_bytes_ : value < low_ || value >= high_) return;
  Candidates& candidates = is_thread_local ? thread_local_candidates_ : data_candidates_;
  if (candidates.size() < kMaxCandidates) candidates.push_back({value, unit});
}

void DwarfVariables::scan_unit(const uint8_t* begin, const uint8_t* end, uint32_t unit) {
  // An operation, its operand, and for thread-local ones the operation behind.
  for (const uint8_t* at = begin; end - at > static_cast<ptrdiff_t>(kAddressBytes); ++at) {
    if (*at == DW_OP_addr) {
      note(load(at + 1), unit, false);
    } else if (*at == DW_OP_const8u && end - at > static_cast<ptrdiff_t>(kAddressBytes) + 1) {
      const uint8_t then = at[1 + kAddressBytes];
      if (then == DW_OP_GNU_push_tls_address || then == DW_OP_form_tls_address) note(load(at + 1), unit, true);
    }
  }
}

void DwarfVariables::scan_addresses(Dwarf* dwarf, std::vector<std::pair<uint64_t, uint32_t>>& bases) {
  if (bases.empty()) return;
  const Elf_Data* const table = section_data(dwarf, ".debug_addr");
  if (table == nullptr || table->d_buf == nullptr) return;
  std::sort(bases.begin(), bases.end());
  const auto* const bytes = static_cast<const uint8_t*>(table->d_buf);
  size_t reads = 0;
  for (size_t i = 0; i < bases.size() && reads < kMaxTableReads; ++i) {
    // A table is as long as until the next one begins.
    const auto next = std::upper_bound(bases.begin(), bases.end(), bases[i].first,
                                       [](uint64_t base, const auto& other) { return base < other.first; });
    const uint64_t end = std::min<uint64_t>(table->d_size, next == bases.end() ? UINT64_MAX : next->first);
    for (uint64_t at = bases[i].first; at < end && end - at >= kAddressBytes; at += kAddressBytes, ++reads) {
      note(load(bytes + at), bases[i].second, false);
      if (thread_local_bytes_ != 0) note(load(bytes + at), bases[i].second, true);
    }
  }
}

void DwarfVariables::walk(Dwarf_Die* scope, int depth) {
  if (depth > kMaxScopeDepth) return;
  for_each_child(scope, [&](Dwarf_Die& child) {
    if (!budget_.take()) return false;
    switch (dwarf_tag(&child)) {
      case DW_TAG_variable: {
        const std::optional<Place> place = place_of(&child);
        if (place) (place->is_thread_local ? thread_local_ : data_).try_emplace(place->value, child);
        return true;
      }
      case DW_TAG_namespace:
      case DW_TAG_module:
      case DW_TAG_subprogram:
      case DW_TAG_lexical_block:
      case DW_TAG_inlined_subroutine:
        walk(&child, depth + 1);
        return true;
      default:
        return true;
    }
  });
}

std::optional<Dwarf_Die> DwarfVariables::find(const Candidates& candidates, const Found& found, uint64_t value) {
  auto candidate = std::lower_bound(candidates.begin(), candidates.end(), value,
                                    [](const Candidate& a, uint64_t wanted) { return a.address < wanted; });
  for (; candidate != candidates.end() && candidate->address == value; ++candidate) {
    Unit& unit = units_[candidate->unit];
    if (!unit.walked) {
      unit.walked = true;
      walk(&unit.die, 0);
    }
    const auto variable = found.find(value);
    if (variable != found.end()) return variable->second;
  }
  return std::nullopt;
}

std::optional<Dwarf_Die> DwarfVariables::find(uint64_t address) { return find(data_candidates_, data_, address); }

std::optional<Dwarf_Die> DwarfVariables::find_thread_local(uint64_t offset) {
  return find(thread_local_candidates_, thread_local_, offset);
}

std::optional<uint64_t> DwarfVariables::start_before(uint64_t address) const {
  const auto behind = std::upper_bound(data_candidates_.begin(), data_candidates_.end(), address,
                                       [](uint64_t wanted, const Candidate& a) { return wanted < a.address; });
  if (behind == data_candidates_.begin()) return std::nullopt;
  return (behind - 1)->address;
}

}  // namespace tidemark::symbols

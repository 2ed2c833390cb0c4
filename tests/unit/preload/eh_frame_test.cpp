// decode_row against binutils: `readelf --debug-dump=frames-interp` prints each module's unwind rows. Every row of this
// test's executable, of libstdc++ and of libc must come out the same, at its first and its last address.
#include "preload/unwind/eh_frame.h"

#include <gtest/gtest.h>
#include <link.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace tidemark::unwind {
namespace {

struct Module {
  std::string path;
  uintptr_t bias = 0;
  const uint8_t* header = nullptr;
};

std::vector<Module> modules() {
  std::vector<Module> found;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        Module module;
        module.path = *info->dlpi_name != 0 ? info->dlpi_name : "/proc/" + std::to_string(getpid()) + "/exe";
        module.bias = info->dlpi_addr;
        for (int i = 0; i < info->dlpi_phnum; ++i)
          if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            module.header = reinterpret_cast<const uint8_t*>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        if (module.header != nullptr && module.path.find("vdso") == std::string::npos)
          static_cast<std::vector<Module>*>(data)->push_back(module);
        return 0;
      },
      &found);
  return found;
}

// A row as readelf prints it: "c-16" (at CFA - 16), "u" (undefined or unknown), "exp", "s"…
struct Printed {
  uintptr_t start = 0, end = 0;
  std::string cfa, bp, ra;
};

std::vector<Printed> printed_rows(const std::string& path) {
  std::vector<Printed> rows;
  const std::string command = "readelf --wide --debug-dump=frames-interp,no-follow-links '" + path + "' 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) return rows;
  char line[4096];
  uintptr_t fde_end = 0;
  bool in_fde = false, first = false;
  std::vector<std::string> columns;
  while (std::fgets(line, sizeof(line), pipe.get()) != nullptr) {
    const std::string text(line);
    if (text.find(" CIE ") != std::string::npos || text.find(" FDE ") != std::string::npos ||
        text.find("ZERO terminator") != std::string::npos || text.find("Contents of") != std::string::npos) {
      in_fde = false;
      const size_t range = text.find("pc=");
      if (range != std::string::npos) {
        in_fde = first = true;
        columns.clear();
        fde_end = std::strtoull(text.c_str() + text.find("..", range) + 2, nullptr, 16);
      }
      continue;
    }
    if (!in_fde) continue;
    std::istringstream words(text);
    std::vector<std::string> fields;
    for (std::string word; words >> word;)
      if (word[0] != '(') fields.push_back(word);  // "r10 (r10)" is one column
    if (fields.empty()) continue;
    if (fields[0] == "LOC") {
      columns = fields;
      continue;
    }
    if (columns.empty() || fields.size() < columns.size()) continue;
    Printed row;
    row.start = std::strtoull(fields[0].c_str(), nullptr, 16);
    row.end = fde_end;
    for (size_t i = 1; i < columns.size(); ++i) {
      if (columns[i] == "CFA") row.cfa = fields[i];
      if (columns[i] == "rbp") row.bp = fields[i];
      if (columns[i] == "ra") row.ra = fields[i];
    }
    if (!first && !rows.empty()) rows.back().end = row.start;
    first = false;
    rows.push_back(row);
  }
  return rows;
}

// What the row should be, in readelf's words; "exp" stands for whatever a row cannot say.
std::string describe(const Row& row) {
  const auto signed_number = [](int64_t number) { return (number < 0 ? "" : "+") + std::to_string(number); };
  switch (row.kind) {
    case RowKind::kNone:
      return "none";
    case RowKind::kEnd:
      return "end";
    case RowKind::kSignal:
      return "signal";
    case RowKind::kOther:
      return "other";
    default:
      break;
  }
  std::string text = row.kind == RowKind::kSp   ? "rsp" + signed_number(row.cfa_offset)
                     : row.kind == RowKind::kBp ? "rbp" + signed_number(row.cfa_offset)
                                                : "exp";
  text += row.saves_bp == 0 ? " u" : row.saves_bp == 1 ? " c" + signed_number(row.bp_offset) : " exp";
  return text;
}

TEST(EhFrame, EveryRowOfTheLoadedModulesAgreesWithReadelf) {
  size_t compared = 0, others = 0;
  for (const Module& module : modules()) {
    const std::vector<Printed> rows = printed_rows(module.path);
    ASSERT_FALSE(rows.empty()) << module.path;
    unsigned differences = 0;
    for (const Printed& printed : rows) {
      if (printed.start >= printed.end) continue;
      for (const uintptr_t pc : {printed.start, printed.end - 1}) {
        const Row row = decode_row(module.header, module.bias + pc);
        const std::string found = describe(row);
        ++compared;
        // Modules of the system: more than one in a thousand rows that go to the slow unwinder would be news.
        if (found == "other") ++others;
        if (printed.ra == "u" || printed.ra == "s") {
          if (found != "end" && found != "other" && ++differences < 5)
            ADD_FAILURE() << module.path << " at " << std::hex << pc << ": no return address, decode_row " << found;
          continue;
        }
        std::string bp = printed.bp;
        if (bp.empty() || bp == "s") bp = "u";  // not in the table: it is as it was
        if (bp == "vexp") bp = "exp";
        std::string expected = printed.cfa + " " + bp;
        const bool may_be_other = printed.cfa.find("exp") != std::string::npos || bp == "exp" || printed.ra != "c-8" ||
                                  (printed.cfa.rfind("rsp", 0) != 0 && printed.cfa.rfind("rbp", 0) != 0);
        const bool good = found == expected || (may_be_other && (found == "other" || found == "signal"));
        if (!good && ++differences < 5)
          ADD_FAILURE() << module.path << " at " << std::hex << pc << ": readelf " << expected << " ra " << printed.ra
                        << ", decode_row " << found;
      }
    }
    EXPECT_EQ(differences, 0u) << module.path;
  }
  EXPECT_GT(compared, 50'000u);
  EXPECT_LT(others * 100, compared);
}

TEST(EhFrame, KnowsNothingOutsideOfTheModule) {
  for (const Module& module : modules()) {
    EXPECT_EQ(decode_row(module.header, 0x1000).kind, RowKind::kNone) << module.path;
    EXPECT_EQ(decode_row(module.header, module.bias - 1).kind, RowKind::kNone) << module.path;
  }
}

}  // namespace
}  // namespace tidemark::unwind

#include "preload/unwind/row_table.h"

#include "preload/globals.h"
#include "preload/modules_linux.h"
#include "preload/recorder.h"
#include "preload/unwind/eh_frame.h"

namespace tidemark::unwind {

constinit ConcurrentMap rows;

namespace {

constexpr unsigned kRowsLog2 = 14;

// The row of a call-tree key by the module's unwind table.
Row row_from(const uint8_t* table, uint64_t key) noexcept {
  // A return address may be the first byte after its function (a call that does not return): look up the call.
  const uintptr_t pc = key & ~kExactKey;
  const uintptr_t lookup = (key & kExactKey) != 0 ? pc : pc - 1;
  Row row = decode_row(table, lookup);
  // The loader's entry point is the one piece of its code without unwind information, and the outermost frame of what
  // runs before main.
  if (row.kind == RowKind::kNone && from_loader(pc)) row.kind = RowKind::kEnd;
  // Returned to at its first byte, a function was never called: makecontext lays __start_context so, as the outermost.
  if (row.kind == RowKind::kNone && lookup != pc && decode_row(table, pc).kind != RowKind::kNone)
    row.kind = RowKind::kEnd;
  return row;
}

}  // namespace

bool init_rows() noexcept { return rows.init(kRowsLog2); }

void forget_rows(uintptr_t start, uintptr_t end) noexcept {
  rows.forget_if([=](uint64_t key) { return (key & ~kExactKey) - start <= end - start; });
}

void reset_rows_after_fork() noexcept { rows.reset_after_fork(); }

size_t rows_bytes() noexcept { return rows.bytes(); }

[[gnu::cold]] Row decode_and_keep_row(ThreadState* thread, uint64_t key) noexcept {
  const uint8_t* table = find_unwind_table(thread, (key & ~kExactKey) - 1);
  if (table == nullptr) return {};
  const Row row = row_from(table, key);
  if (thread != nullptr && row.kind != RowKind::kNone) {
    rows.insert(key, row.pack());
    if (globals.check_unwind) trace_output.count(trace::UnwindCheck::kDistinctPcs);
  }
  return row;
}

}  // namespace tidemark::unwind

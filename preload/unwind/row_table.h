// The rows of code that was unwound so far, by call-tree key, for all threads.
//
// A row that is there costs about 3 ns when it is near; the first time it is decoded from the module's .eh_frame, some
// microseconds. 16 bytes a row, and as much again in outgrown tables.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/concurrent_map.h"
#include "preload/unwind/row.h"

namespace tidemark {
struct ThreadState;
}

namespace tidemark::unwind {

extern constinit ConcurrentMap rows;

bool init_rows() noexcept;
void forget_rows(uintptr_t start, uintptr_t end) noexcept;  // of code that was unloaded
void reset_rows_after_fork() noexcept;
size_t rows_bytes() noexcept;

Row decode_and_keep_row(ThreadState* thread, uint64_t key) noexcept;

// A new module is recorded to `thread`'s stream; without one nothing is recorded or kept. kNone: no unwind information.
inline Row find_row(ThreadState* thread, uint64_t key) noexcept {
  const uint64_t packed = rows.find(key);
  return packed != 0 ? Row::unpack(packed) : decode_and_keep_row(thread, key);
}

}  // namespace tidemark::unwind

// A row: how to step from a frame to its caller, for one pc, in 8 bytes. It says what almost all code needs: where the
// canonical frame address (CFA) is, and whether rbp was saved. The return address lies at CFA - 8, always.
// What a row cannot say (CFA from rbx or r10, odd expressions) is kOther and goes to libunwind.
#pragma once

#include <cstdint>

namespace tidemark::unwind {

enum class RowKind : uint8_t {
  kNone = 0,     // no row (0 in the cache: absent)
  kSp = 1,       // CFA = rsp + offset
  kBp = 2,       // CFA = rbp + offset
  kBpDeref = 3,  // CFA = *(rbp + offset): a realigned stack
  kSignal = 4,   // the kernel's signal frame: registers lie in the ucontext at rsp
  kEnd = 5,      // the outermost frame
  kOther = 6,
};

struct Row {
  RowKind kind = RowKind::kNone;
  uint8_t saves_bp = 0;  // 0: rbp is unchanged; 1: the caller's rbp lies at CFA + bp_offset; 2: at *rbp
  int16_t bp_offset = 0;
  int32_t cfa_offset = 0;

  uint64_t pack() const noexcept { return __builtin_bit_cast(uint64_t, *this); }
  static Row unpack(uint64_t word) noexcept { return __builtin_bit_cast(Row, word); }
};
static_assert(sizeof(Row) == 8);

}  // namespace tidemark::unwind

// Decodes one row from a module's `.eh_frame`: .eh_frame_hdr's binary search table gives the frame description entry
// (FDE) of a pc, its call-frame program is run up to the pc. DWARF 4 section 6.4 and the Linux Standard Base's
// description of .eh_frame; x86-64 register numbers of the psABI (6 rbp, 7 rsp, 16 return address).
//
// Reads mapped memory of loaded modules only, allocates nothing, takes no lock; about 1 microsecond a row.
#pragma once

#include <cstdint>

#include "preload/unwind/row.h"

namespace tidemark::unwind {

// `header` is the module's mapped .eh_frame_hdr. `pc` is the address to look up (return address - 1, or the exact pc of
// an interrupted frame). kNone if no FDE covers it.
Row decode_row(const uint8_t* header, uintptr_t pc) noexcept;

}  // namespace tidemark::unwind

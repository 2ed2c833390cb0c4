// Which modules are mapped where, and since when.
//
// All modules are written down at the start and at the end of a recording, and in between each one when a pc of it is
// first looked up. Unloads are noticed when an allocation or a free comes from inside the loader (every dlclose frees
// there after it has unmapped): each known module is then looked up again, without a lock. After an unload,
// `globals.code_epoch` moves: what was remembered about code is void.
//
// The loader's own lock (dl_iterate_phdr) is taken at the start and the end only, and never in a forked child: fork
// leaves it locked for ever in a child if another thread of the parent was holding it. A child's trace gets its
// modules from the table that it inherited. Our own table has a try-lock; whoever fails to get it leaves a note, and
// the holder acts on it when it is done.
#pragma once

#include <cstdint>

namespace tidemark {

struct ThreadState;

// Writes down all modules that the loader has now. Not in a forked child.
void record_all_modules(ThreadState& thread) noexcept;

// Looks for modules that are gone, and forgets their code.
void check_for_unloads(ThreadState& thread) noexcept;

// In a forked child, whose table is its parent's: writes down the modules for the new trace.
void record_inherited_modules(ThreadState& thread) noexcept;

// The .eh_frame_hdr of the module that covers `pc`, nullptr if none has one; with `thread`, makes sure that the module
// is recorded.
const uint8_t* find_unwind_table(ThreadState* thread, uintptr_t pc) noexcept;

// Path of the module that covers `pc`; "" if none. For start-up.
const char* module_path(uintptr_t pc) noexcept;

}  // namespace tidemark

// Which modules are mapped where, and since when.
//
// The table follows the loader: it is compared with dl_iterate_phdr's list at the start and whenever an allocation or a
// free comes from inside the loader and its load or unload counters have moved (every dlopen and dlclose allocates or
// frees there after it has mapped or unmapped). Modules of other namespaces (dlmopen) are added when a pc of theirs is
// first looked up. After an unload, `globals.code_epoch` moves: what was remembered about code is void.
//
// Never calls into the loader with a lock of ours that another thread would wait for: the table has a try-lock, whoever
// fails to get it leaves a note that the holder acts on.
#pragma once

#include <cstdint>

namespace tidemark {

struct ThreadState;

// Brings the table up to date and writes load and unload records to `thread`'s stream. `force`: also when the loader's
// counters have not moved.
void sync_modules(ThreadState& thread, bool force) noexcept;

// In a forked child: the new trace needs all modules again.
void forget_modules_after_fork() noexcept;

// The .eh_frame_hdr of the module that covers `pc`, nullptr if none has one; with `thread`, makes sure that the module
// is recorded.
const uint8_t* find_unwind_table(ThreadState* thread, uintptr_t pc) noexcept;

// Path of the module that covers `pc`; "" if none. For start-up.
const char* module_path(uintptr_t pc) noexcept;

}  // namespace tidemark

// What the embedded libunwind and mimalloc call instead of libc, because they run inside somebody else's process.
//
// The header is put in front of every source of theirs (`-include`). Their plain calls would otherwise bind to the
// recorder's own exported hooks (mmap and its family), hold descriptors that change the program's numbering (pipe2),
// take the loader's lock, write to the program's streams or run code at its exit.
//
// The functions have weak default definitions (private_calls_linux.c); the preload library may define its own of the
// same name, for instance to count and name the recorder's mappings. All are callable from any thread and from signal
// handlers, return libc's values and set errno as libc does.
#pragma once

#include <link.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

void* tidemark_private_mmap(void* address, size_t length, int protection, int flags, int descriptor, off_t offset);
int tidemark_private_munmap(void* address, size_t length);
int tidemark_private_mprotect(void* address, size_t length, int protection);
int tidemark_private_madvise(void* address, size_t length, int advice);

// Used by libunwind to find the module of a pc. The default takes the loader's lock, as dl_iterate_phdr does.
int tidemark_private_iterate_phdr(int (*callback)(struct dl_phdr_info*, size_t, void*), void* argument);

#ifdef __cplusplus
}
#endif

#ifdef TIDEMARK_REDIRECT_CALLS
#define mmap tidemark_private_mmap
#define munmap tidemark_private_munmap
#define mprotect tidemark_private_mprotect
#define madvise tidemark_private_madvise
#define dl_iterate_phdr tidemark_private_iterate_phdr
// libunwind blocks all signals around its locks, four calls a frame. The recorder admits one thread at a time and never
// waits from a handler, so a handler cannot meet these locks.
#define sigprocmask(how, set, old) ((void)(set), (void)(old), 0)
// libunwind's address validation: without its pipe it calls every address bad, so a caller must supply access_mem.
#define pipe2(descriptors, flags) ((void)(descriptors), -1)
// mimalloc's messages; its settings already silence them, but an empty one would still orient the stream.
#undef fputs
#define fputs(text, stream) ((void)(text))
// mimalloc's clean-up at exit: the recorder outlives the program's exit handlers, and the kernel frees the rest.
#define atexit(function) ((void)(function))
#endif

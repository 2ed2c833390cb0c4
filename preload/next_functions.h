// The definitions behind ours: what the program would call without the recorder (RTLD_NEXT), so that it keeps its own
// jemalloc, mimalloc or tcmalloc. Null where the process has none.
//
// Looking may allocate, and come back to our hooks while nothing is known yet: such blocks come from a small bootstrap
// arena, are never recorded (counted) and never freed.
#pragma once

#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstddef>

namespace tidemark {

// name, result, parameters: functions of libc or of the allocator that are passed on.
#define TIDEMARK_NEXT_FUNCTIONS(X)                                                                                  \
  X(malloc, void*, (size_t))                                                                                        \
  X(calloc, void*, (size_t, size_t))                                                                                \
  X(realloc, void*, (void*, size_t))                                                                                \
  X(reallocarray, void*, (void*, size_t, size_t))                                                                   \
  X(free, void, (void*))                                                                                            \
  X(posix_memalign, int, (void**, size_t, size_t))                                                                  \
  X(aligned_alloc, void*, (size_t, size_t))                                                                         \
  X(memalign, void*, (size_t, size_t))                                                                              \
  X(valloc, void*, (size_t))                                                                                        \
  X(pvalloc, void*, (size_t))                                                                                       \
  X(malloc_usable_size, size_t, (void*))                                                                            \
  X(free_sized, void, (void*, size_t))                                                                              \
  X(free_aligned_sized, void, (void*, size_t, size_t))                                                              \
  X(mmap, void*, (void*, size_t, int, int, int, off_t))                                                             \
  X(munmap, int, (void*, size_t))                                                                                   \
  X(mremap, void*, (void*, size_t, size_t, int, void*))                                                             \
  X(pthread_create, int, (pthread_t*, const pthread_attr_t*, void* (*)(void*), void*))                              \
  X(pthread_setname_np, int, (pthread_t, const char*))                                                              \
  X(fork, pid_t, ())                                                                                                \
  X(execve, int, (const char*, char* const*, char* const*))                                                         \
  X(execvpe, int, (const char*, char* const*, char* const*))                                                        \
  X(fexecve, int, (int, char* const*, char* const*))                                                                \
  X(execveat, int, (int, const char*, char* const*, char* const*, int))                                             \
  X(posix_spawn, int,                                                                                               \
    (pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, char* const*, char* const*)) \
  X(posix_spawnp, int,                                                                                              \
    (pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, char* const*, char* const*)) \
  X(exit, void, (int))                                                                                              \
  X(_exit, void, (int))                                                                                             \
  X(quick_exit, void, (int))                                                                                        \
  X(setrlimit, int, (int, const struct rlimit*))                                                                    \
  X(prlimit, int, (pid_t, int, const struct rlimit*, struct rlimit*))                                               \
  X(mlockall, int, (int))                                                                                           \
  X(prctl, int, (int, unsigned long, unsigned long, unsigned long, unsigned long))

struct NextFunctions {
#define TIDEMARK_MEMBER(name, result, parameters) result(*name) parameters;
  TIDEMARK_NEXT_FUNCTIONS(TIDEMARK_MEMBER)
#undef TIDEMARK_MEMBER
  void* start_main;               // __libc_start_main
  void* (*operator_new)(size_t);  // of the module behind us; looked for again when C++ code is loaded later
};

extern constinit NextFunctions next;
// For the tail jump in syscall_hook_x86_64.cpp: libc's syscall(), or until it is found a plain one of our own.
extern "C" {
[[gnu::visibility("hidden")]] long tidemark_raw_syscall(long, long, long, long, long, long, long) noexcept;
[[gnu::visibility("hidden")]] extern long (*tidemark_next_syscall)(long, long, long, long, long, long, long);
}

// Fills `next`; false if there is no allocator behind us. Safe to call again and from several threads.
bool find_next_functions() noexcept;
inline void need_next_functions() noexcept {
  if (next.malloc == nullptr) [[unlikely]]
    find_next_functions();
}

// Whether the program's calls of `name` come to `hook`: nothing defines it before us.
bool program_calls(const char* name, const void* hook) noexcept;

namespace bootstrap {
void* allocate(size_t size, size_t alignment = 16) noexcept;
extern char arena[65536];
inline bool owns(const void* block) noexcept {
  return reinterpret_cast<uintptr_t>(block) - reinterpret_cast<uintptr_t>(arena) < sizeof(arena);
}
size_t size_of(const void* block) noexcept;
}  // namespace bootstrap

}  // namespace tidemark

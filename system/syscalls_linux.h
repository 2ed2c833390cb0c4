// Raw system calls, Linux x86-64. The recorder calls the kernel itself for everything that it does on its own account:
// libc's wrappers would set the program's errno, some are our own exported hooks (mmap), some are cancellation points.
// Every function returns the kernel's answer: a value, or -errno in [-4095, -1].
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

namespace tidemark::sys {

inline long call6(long number, long a, long b, long c, long d, long e, long f) noexcept {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

template <class... Args>
inline long call(long number, Args... args) noexcept {
  static_assert(sizeof...(Args) <= 6);
  long all[7] = {(long)args..., 0};
  return call6(number, sizeof...(Args) > 0 ? all[0] : 0, sizeof...(Args) > 1 ? all[1] : 0,
               sizeof...(Args) > 2 ? all[2] : 0, sizeof...(Args) > 3 ? all[3] : 0, sizeof...(Args) > 4 ? all[4] : 0,
               sizeof...(Args) > 5 ? all[5] : 0);
}

constexpr bool failed(long result) noexcept { return result < 0 && result >= -4095; }
inline bool failed(const void* result) noexcept { return failed(reinterpret_cast<long>(result)); }

inline void* mmap(void* address, size_t size, int protection, int flags, int fd, int64_t offset) noexcept {
  return reinterpret_cast<void*>(call(SYS_mmap, address, size, protection, flags, fd, offset));
}
inline long munmap(void* address, size_t size) noexcept { return call(SYS_munmap, address, size); }
inline long madvise(void* address, size_t size, int advice) noexcept {
  return call(SYS_madvise, address, size, advice);
}

inline long open(const char* path, int flags, int mode = 0) noexcept {
  return call(SYS_openat, AT_FDCWD, path, flags, mode);
}
inline long close(int fd) noexcept { return call(SYS_close, fd); }
inline long read(int fd, void* buffer, size_t size) noexcept { return call(SYS_read, fd, buffer, size); }
inline long pread(int fd, void* buffer, size_t size, int64_t offset) noexcept {
  return call(SYS_pread64, fd, buffer, size, offset);
}
inline long write(int fd, const void* data, size_t size) noexcept { return call(SYS_write, fd, data, size); }
inline long ftruncate(int fd, int64_t size) noexcept { return call(SYS_ftruncate, fd, size); }
inline long fallocate(int fd, int mode, int64_t offset, int64_t size) noexcept {
  return call(SYS_fallocate, fd, mode, offset, size);
}
inline long fstat(int fd, struct stat* status) noexcept { return call(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH); }
inline long fstatfs(int fd, struct statfs* status) noexcept { return call(SYS_fstatfs, fd, status); }
inline long readlink(const char* path, char* buffer, size_t size) noexcept {
  return call(SYS_readlinkat, AT_FDCWD, path, buffer, size);
}
inline long getcwd(char* buffer, size_t size) noexcept { return call(SYS_getcwd, buffer, size); }
inline uint32_t getpid() noexcept { return static_cast<uint32_t>(call(SYS_getpid)); }
inline uint32_t getppid() noexcept { return static_cast<uint32_t>(call(SYS_getppid)); }
inline uint32_t gettid() noexcept { return static_cast<uint32_t>(call(SYS_gettid)); }
inline long tgkill(uint32_t pid, uint32_t tid, int signal) noexcept { return call(SYS_tgkill, pid, tid, signal); }
inline void yield() noexcept { call(SYS_sched_yield); }
inline long getrusage(struct rusage* usage) noexcept { return call(SYS_getrusage, RUSAGE_SELF, usage); }
// How often the calling thread has given up the processor to wait for something.
inline uint64_t thread_waits() noexcept {
  struct rusage usage = {};
  call(SYS_getrusage, RUSAGE_THREAD, &usage);
  return static_cast<uint64_t>(usage.ru_nvcsw);
}
inline bool get_limit(int resource, struct rlimit* limit) noexcept {
  return call(SYS_prlimit64, 0, resource, nullptr, limit) == 0;
}
inline int64_t clock_ns(int clock) noexcept {
  struct timespec now = {};
  call(SYS_clock_gettime, clock, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}
inline long get_random(void* buffer, size_t size) noexcept {
  return call(SYS_getrandom, buffer, size, 1 /* NONBLOCK */);
}
inline long get_thread_name(char* name16) noexcept { return call(SYS_prctl, 16 /* PR_GET_NAME */, name16); }

// Whether 8 bytes at `address` can be read, without reading them here: the kernel copies the new mask from `address`
// before it looks at `how`, so it answers EFAULT or (for this `how`) EINVAL. About 100 ns; allowed wherever signal
// masks are.
inline bool readable(const void* address) noexcept {
  return call(SYS_rt_sigprocmask, ~0L, address, nullptr, 8) != -14 /* EFAULT */;
}

}  // namespace tidemark::sys

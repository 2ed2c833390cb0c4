// Default definitions for private_calls.h: raw system calls, so that no exported symbol lies between.
#include "private_calls.h"

#include <errno.h>
#include <sys/syscall.h>

static long raw_system_call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long result __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(result) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
#else
#error "raw_system_call is not written for this processor"
#endif
  if (result < 0 && result >= -4095) {
    errno = (int)-result;
    return -1;
  }
  return result;
}

__attribute__((weak)) void* tidemark_private_mmap(void* address, size_t length, int protection, int flags,
                                                  int descriptor, off_t offset) {
  return (void*)raw_system_call(SYS_mmap, (long)address, (long)length, protection, flags, descriptor, offset);
}

__attribute__((weak)) int tidemark_private_munmap(void* address, size_t length) {
  return (int)raw_system_call(SYS_munmap, (long)address, (long)length, 0, 0, 0, 0);
}

__attribute__((weak)) int tidemark_private_mprotect(void* address, size_t length, int protection) {
  return (int)raw_system_call(SYS_mprotect, (long)address, (long)length, protection, 0, 0, 0);
}

__attribute__((weak)) int tidemark_private_madvise(void* address, size_t length, int advice) {
  return (int)raw_system_call(SYS_madvise, (long)address, (long)length, advice, 0, 0, 0);
}

__attribute__((weak)) int tidemark_private_iterate_phdr(int (*callback)(struct dl_phdr_info*, size_t, void*),
                                                        void* argument) {
  return dl_iterate_phdr(callback, argument);
}

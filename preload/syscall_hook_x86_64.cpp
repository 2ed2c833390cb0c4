// syscall(): looks at the number and jumps on. A tail jump, not a call: raw clone and vfork through syscall() return on
// other stacks, or twice, and must not find a frame of ours.
#include <errno.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "preload/export.h"
#include "preload/globals.h"
#include "preload/next_functions.h"
#include "system/syscalls_linux.h"

namespace tidemark {

// What next_functions.cpp starts with, until libc's is found.
extern "C" long tidemark_raw_syscall(long number, long a, long b, long c, long d, long e, long f) noexcept {
  const long answer = sys::call6(number, a, b, c, d, e, f);
  if (!sys::failed(answer)) return answer;
  errno = static_cast<int>(-answer);
  return -1;
}

// The few calls that concern the recorder: a seccomp filter, and the end of the process.
extern "C" [[gnu::visibility("hidden"), gnu::used]] void tidemark_before_syscall(long number, long a, long b,
                                                                                 long c) noexcept {
  switch (number) {
    case SYS_seccomp:
      // A filter that is a null pointer only asks whether the kernel has filters.
      if (a == SECCOMP_SET_MODE_STRICT || (a == SECCOMP_SET_MODE_FILTER && c != 0))
        seccomp_comes(a == SECCOMP_SET_MODE_STRICT);
      break;
    case SYS_prctl:
      if (a == PR_SET_SECCOMP && (b == SECCOMP_MODE_STRICT || c != 0)) seccomp_comes(b == SECCOMP_MODE_STRICT);
      break;
    case SYS_exit_group:
      if (recording()) {
        life_ends(trace::LifeEndKind::kImmediateExit, static_cast<int>(a));
        finish_recording(static_cast<int>(a));
      }
      break;
    default:
      break;
  }
}

static_assert(SYS_seccomp == 317 && SYS_prctl == 157 && SYS_exit_group == 231);

// Registers: number rdi, arguments rsi rdx rcx r8 r9 and one on the stack. The common numbers cost seven instructions.
asm(R"(
  .text
  .globl syscall
  .type syscall, @function
  .p2align 4
syscall:
  .cfi_startproc
  endbr64
  cmpl $317, %edi
  je 1f
  cmpl $157, %edi
  je 1f
  cmpl $231, %edi
  je 1f
  jmp *tidemark_next_syscall(%rip)
1:
  pushq %rdi
  .cfi_adjust_cfa_offset 8
  pushq %rsi
  .cfi_adjust_cfa_offset 8
  pushq %rdx
  .cfi_adjust_cfa_offset 8
  pushq %rcx
  .cfi_adjust_cfa_offset 8
  pushq %r8
  .cfi_adjust_cfa_offset 8
  pushq %r9
  .cfi_adjust_cfa_offset 8
  subq $8, %rsp
  .cfi_adjust_cfa_offset 8
  call tidemark_before_syscall
  addq $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq %r9
  .cfi_adjust_cfa_offset -8
  popq %r8
  .cfi_adjust_cfa_offset -8
  popq %rcx
  .cfi_adjust_cfa_offset -8
  popq %rdx
  .cfi_adjust_cfa_offset -8
  popq %rsi
  .cfi_adjust_cfa_offset -8
  popq %rdi
  .cfi_adjust_cfa_offset -8
  jmp *tidemark_next_syscall(%rip)
  .cfi_endproc
  .size syscall, . - syscall
)");

}  // namespace tidemark

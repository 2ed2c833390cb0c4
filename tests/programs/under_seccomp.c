// under_seccomp filter|filter_syscall|strict|no_new_files: allocates, installs a seccomp filter that kills the process
// at any system call but a few (or one that only fails open), allocates much more, and ends. Prints its counts with
// write.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static long allocations, frees;

// What this program needs: an allocator that asks the kernel for nothing would do without brk and mmap.
static const int allowed[] = {SYS_write, SYS_exit_group, SYS_exit, SYS_brk, SYS_mmap, SYS_munmap, SYS_rt_sigreturn};

static int install(const char* how) {
  struct sock_filter code[40];
  int n = 0;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  if (strcmp(how, "no_new_files") == 0) {
    for (size_t i = 0; i < 2; ++i) {
      code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i == 0 ? SYS_openat : SYS_open, 0, 1);
      code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  } else {
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); ++i) {
      code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i], 0, 1);
      code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  }
  const struct sock_fprog program = {(unsigned short)n, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  if (strcmp(how, "filter_syscall") == 0) return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static void work(int rounds) {
  static void* kept[100];
  for (int i = 0; i < rounds; ++i) {
    void** slot = &kept[i % 100];
    if (*slot != NULL) {
      free(*slot);
      ++frees;
    }
    *slot = malloc((size_t)i % 700 + 1);
    ++allocations;
  }
}

static __attribute__((noinline)) void deeper(int depth) {
  if (depth > 0)
    deeper(depth - 1);
  else
    work(50000);
  __asm__ volatile("" ::: "memory");
}

int main(int argument_count, char** arguments) {
  if (argument_count < 2) return 2;
  const int strict = strcmp(arguments[1], "strict") == 0;
  work(1000);
  // The heap is grown beforehand: strict mode forbids brk.
  void* volatile large = malloc(8 << 20);
  free(large);
  ++allocations, ++frees;
  for (int i = 0; i < 40; ++i) {
    void* volatile block = malloc(100000);
    memset(block, 1, 100000);
    free(block);
    ++allocations, ++frees;
  }
  if (strict ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) != 0 : install(arguments[1]) != 0) {
    perror("seccomp");
    return 1;
  }
  work(strict ? 2000 : 300000);
  if (!strict) deeper(300);
  // A new thread of the program's cannot come under these filters; a line, and the end.
  char line[64];
  const int size = snprintf(line, sizeof(line), "counts %ld %ld\n", allocations, frees);
  if (write(1, line, (size_t)size) != size) return 3;
  if (strict) syscall(SYS_exit, 5);
  return 5;
}

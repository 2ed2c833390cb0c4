// snapshot_hold MEGABYTES [WHAT]: holds so much in small linked blocks, all of it reachable, and says so. WHAT:
//   return       returns from main (without WHAT, too)
//   take N       takes N snapshots before
//   wait         waits until its standard input ends, without touching memory
//   restricted   first gives up the rights to copy itself and to look into processes, by a seccomp filter; then take 1
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "snapshot_common.h"

struct block {
  struct block* next;
  struct block* other;
  uint64_t number;
};

static struct block* blocks;

// 32 to 128 bytes each.
static size_t hold(size_t bytes) {
  uint64_t number = 0;
  for (size_t held = 0; held < bytes; ++number) {
    const size_t size = 32 + number * 40 % 104;
    struct block* made = malloc(size);
    REQUIRE(made != NULL);
    *made = (struct block){blocks, number % 3 == 0 && blocks != NULL ? blocks->next : NULL, number};
    blocks = made;
    held += size;
  }
  return number;
}

static size_t count(void) {
  size_t found = 0;
  for (const struct block* at = blocks; at != NULL; at = at->next) ++found;
  return found;
}

static void restrict_myself(void) {
#define DENY(number) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      DENY(SYS_clone),
      DENY(SYS_clone3),
      DENY(SYS_fork),
      DENY(SYS_vfork),
      DENY(SYS_ptrace),
      DENY(SYS_process_vm_readv),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(int argc, char** argv) {
  const char* what = argc > 2 ? argv[2] : "return";
  const size_t made = hold((size_t)(argc > 1 ? atoi(argv[1]) : 1) << 20);
  printf("%zu blocks\n", made);
  fflush(stdout);
  int snapshots = argc > 3 ? atoi(argv[3]) : 0;
  if (strcmp(what, "restricted") == 0) {
    restrict_myself();
    snapshots = 1;
  }
  for (int i = 0; i < snapshots; ++i) tidemark_snapshot();
  if (strcmp(what, "wait") == 0) {
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
  }
  EXPECT(count() == made, "%zu of %zu blocks", count(), made);
  return verdict();
}

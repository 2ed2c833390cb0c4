// handler_anywhere SIGNALS [jump]: allocates in signal handlers that interrupt the main program anywhere, inside malloc
// and inside the recorder too; linked with signal_safe_malloc, for which that is allowed. With `jump` every third
// handler leaves by siglongjmp. Prints how many malloc and free calls were completed: none may be missing.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static volatile sig_atomic_t signals, jumps;
static volatile uint64_t handler_calls;
static volatile uint64_t main_mallocs, main_frees;
static sigjmp_buf back;
static volatile sig_atomic_t may_jump;

static __attribute__((noinline)) void deeper(int depth) {
  char pad[32];
  memset(pad, depth, sizeof(pad));
  __asm__ volatile("" : : "r"(pad) : "memory");
  if (depth > 0) {
    deeper(depth - 1);
    __asm__ volatile("" : : "r"(pad) : "memory");
    return;
  }
  void* block = malloc(40);
  __asm__ volatile("" : : "r"(block) : "memory");
  free(block);
  __asm__ volatile("" ::: "memory");
}

static void handler(int number) {
  (void)number;
  ++signals;
  deeper((int)(signals % 7));
  ++handler_calls;
  if (jumps != 0 && may_jump != 0 && signals % 3 == 0) siglongjmp(back, 1);
}

static __attribute__((noinline)) void work(int depth) {
  if (depth > 0) {
    work(depth - 1);
    __asm__ volatile("" ::: "memory");
    return;
  }
  void* block = malloc((size_t)depth + 100);
  __asm__ volatile("" : : "r"(block) : "memory");
  ++main_mallocs;
  free(block);
  ++main_frees;
}

int main(int argument_count, char** arguments) {
  const int wanted = argument_count > 1 ? atoi(arguments[1]) : 1000;
  static volatile int round;
  jumps = argument_count > 2;
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = handler;
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval interval = {{0, 40}, {0, 40}}, off = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &interval, NULL);
  while (signals < wanted) {
    if (sigsetjmp(back, 1) == 0) {
      may_jump = 1;
      for (; signals < wanted; ++round) work(round % 11);
    }
    may_jump = 0;
  }
  may_jump = 0;
  setitimer(ITIMER_REAL, &off, NULL);
  // A jump leaves at most one malloc and one free of the main program uncounted.
  char line[200];
  const int size = snprintf(line, sizeof(line), "%llu %llu %llu\n", (unsigned long long)(main_mallocs + handler_calls),
                            (unsigned long long)(main_frees + handler_calls), (unsigned long long)signals);
  fwrite(line, 1, (size_t)size, stdout);
  return 0;
}

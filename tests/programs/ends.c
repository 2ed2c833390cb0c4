// ends HOW [NUMBER]: allocates 1,000 blocks, frees 900, and ends in one of the ways that a process can end. For
// `return`, `exit`, `_exit`, `_Exit`, `quick_exit`, `thread_exit` NUMBER is the status; `raise` and `kill` take a
// signal.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int number;

static void* exits(void* data) {
  (void)data;
  exit(number);
}

static void* ends_last(void* data) {
  (void)data;
  usleep(50000);
  free(malloc(10));
  return NULL;
}

static void at_quick_exit_frees(void) { free(malloc(1)); }

static void crash(int depth) {
  volatile int* nowhere = NULL;
  char pad[100];
  memset(pad, depth, sizeof(pad));
  if (depth > 0) crash(depth - 1);
  *nowhere = pad[depth];
}

int main(int argument_count, char** arguments) {
  if (argument_count < 2) return 2;
  const char* how = arguments[1];
  number = argument_count > 2 ? atoi(arguments[2]) : 0;
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  void* blocks[1000];
  for (int i = 0; i < 1000; ++i) blocks[i] = malloc(64);
  for (int i = 0; i < 900; ++i) free(blocks[i]);
  pthread_t thread;
  if (strcmp(how, "return") == 0) return number;
  if (strcmp(how, "exit") == 0) exit(number);
  if (strcmp(how, "_exit") == 0) _exit(number);
  if (strcmp(how, "_Exit") == 0) _Exit(number);
  if (strcmp(how, "syscall_exit") == 0) syscall(SYS_exit_group, number);
  if (strcmp(how, "quick_exit") == 0) {
    at_quick_exit(at_quick_exit_frees);
    quick_exit(number);
  }
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "raise") == 0) raise(number);
  if (strcmp(how, "kill") == 0) kill(getpid(), number);
  if (strcmp(how, "segv") == 0) crash(5);
  if (strcmp(how, "trap") == 0) __builtin_trap();
  if (strcmp(how, "thread_exit") == 0 && pthread_create(&thread, NULL, exits, NULL) == 0) pause();
  if (strcmp(how, "pthread_exit") == 0 && pthread_create(&thread, NULL, ends_last, NULL) == 0) pthread_exit(NULL);
  fprintf(stderr, "ends: still here\n");
  return 99;
}

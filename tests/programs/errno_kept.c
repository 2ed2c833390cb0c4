// errno_kept: sets errno before every hooked function that succeeds and prints what it is afterwards. Thousands of
// calls, so that chunks change, samples are taken, modules and threads come and go within some of them.
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MARKER 91

// How often each call left another errno.
#define KEEPS(name, call)                      \
  do {                                         \
    errno = MARKER;                            \
    call;                                      \
    if (errno != MARKER) changed(name, errno); \
  } while (0)

static struct {
  const char* name;
  int error, times;
} found[100];

static void changed(const char* name, int error) {
  for (int i = 0; i < 100; ++i) {
    if (found[i].name == NULL) found[i].name = name, found[i].error = error;
    if (strcmp(found[i].name, name) == 0 && found[i].error == error) {
      ++found[i].times;
      return;
    }
  }
}

static void* thread(void* data) {
  void* block = NULL;
  KEEPS("first malloc of a thread", block = malloc(10));
  KEEPS("free", free(block));
  return data;
}

static void deep(int depth) {
  if (depth > 0) deep(depth - 1);
  void* block = NULL;
  KEEPS("malloc deep down", block = malloc(10));
  free(block);
}

int main(void) {
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  do {
    for (int i = 0; i < 10000; ++i) {
      void *a = NULL, *b = NULL;
      KEEPS("malloc", a = malloc((size_t)i));
      KEEPS("calloc", b = calloc(3, (size_t)i));
      KEEPS("realloc", a = realloc(a, (size_t)i * 2 + 1));
      KEEPS("reallocarray", b = reallocarray(b, (size_t)i + 1, 2));
      KEEPS("free", free(a));
      KEEPS("free", free(b));
      KEEPS("posix_memalign", if (posix_memalign(&a, 64, (size_t)i) != 0) a = NULL);
      KEEPS("free", free(a));
      KEEPS("malloc_usable_size", (void)malloc_usable_size(NULL));
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 200);
  deep(20000);
  for (int i = 0; i < 20; ++i) {
    pthread_t other;
    KEEPS("pthread_create", if (pthread_create(&other, NULL, thread, NULL) != 0) abort());
    pthread_join(other, NULL);
    void* map = NULL;
    KEEPS("mmap", map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    KEEPS("mremap", map = mremap(map, 8192, 65536, MREMAP_MAYMOVE));
    KEEPS("munmap", munmap(map, 65536));
    KEEPS("prctl", prctl(PR_SET_NAME, "name"));
    KEEPS("pthread_setname_np", pthread_setname_np(pthread_self(), "other"));
    KEEPS("syscall", syscall(SYS_gettid));
    pid_t pid = 0;
    KEEPS("fork", pid = fork());
    if (pid == 0) {
      void* block = NULL;
      KEEPS("first malloc of a child", block = malloc(10));
      free(block);
      _exit(errno == MARKER && found[0].name == NULL ? 0 : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (status != 0) printf("child: status %d\n", status);
    char* const arguments[] = {"true", NULL};
    KEEPS("posix_spawn", if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, arguments + 1) != 0) abort());
    waitpid(pid, &status, 0);
    errno = 0;
    if (execv("/nonexistent", arguments) != -1 || errno != ENOENT) printf("execv: errno %d\n", errno);
    void* library = dlopen("libm.so.6", RTLD_NOW);
    if (library != NULL) dlclose(library);
  }
  for (int i = 0; i < 100 && found[i].name != NULL; ++i)
    printf("%s: errno %d, %d times\n", found[i].name, found[i].error, found[i].times);
  puts("done");
  return 0;
}

// limits WHICH: sets a resource limit of its own once it runs (or finds the one it was started with), works up to it,
// and prints what it got. Natively and under the recorder the same.
//   descriptors   opens files until EMFILE, allocates meanwhile, many threads' worth of events
//   file_size     RLIMIT_FSIZE of 1 MiB: allocates much, writes its own file up to the limit
//   plain         allocates and frees 600,000 blocks (for limits that come from outside)
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static long allocations;

static void* work(void* data) {
  void* kept[100] = {0};
  for (long i = 0; i < (long)data; ++i) {
    free(kept[i % 100]);
    kept[i % 100] = malloc((size_t)i % 900 + 1);
    if (kept[i % 100] == NULL) abort();
  }
  for (int i = 0; i < 100; ++i) free(kept[i]);
  return NULL;
}

static void in_thread(long rounds) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, work, (void*)rounds) != 0) abort();
  pthread_join(thread, NULL);
  allocations += rounds;
}

int main(int argument_count, char** arguments) {
  if (argument_count < 2) return 2;
  const char* which = arguments[1];
  work((void*)1000);
  allocations += 1000;
  if (strcmp(which, "descriptors") == 0) {
    const struct rlimit few = {64, 64};
    if (setrlimit(RLIMIT_NOFILE, &few) != 0) return 1;
    int last = -1, fd;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0) last = fd;
    printf("last descriptor %d, errno %d\n", last, errno);
    work((void*)300000);
    allocations += 300000;
    for (int i = 0; i < 3; ++i) in_thread(100000);
    fd = open("/dev/null", O_RDONLY);
    printf("then %d, errno %d\n", fd, errno);
    close(last);
    fd = open("/dev/null", O_RDONLY);
    printf("after close %d\n", fd == last);
  } else if (strcmp(which, "file_size") == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {1 << 20, 1 << 20};
    if (argument_count < 3 || setrlimit(RLIMIT_FSIZE, &small) != 0) return 1;
    work((void*)300000);
    for (int i = 0; i < 3; ++i) in_thread(100000);
    const int fd = open(arguments[2], O_RDWR | O_CREAT | O_TRUNC, 0600);
    static char block[65536];
    long written = 0;
    ssize_t size;
    while ((size = write(fd, block, sizeof(block))) > 0) written += size;
    printf("wrote %ld, errno %d\n", written, errno);
    unlink(arguments[2]);
  } else {
    for (int i = 0; i < 3; ++i) {
      work((void*)100000);
      in_thread(100000);
    }
  }
  printf("done\n");
  return 0;
}

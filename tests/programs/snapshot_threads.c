// snapshot_threads [THREADS]: so many threads sleep, and each is the only one that knows its block; some more run. Main
// takes snapshots, which must not take long, and returns while the threads are there.
#include <pthread.h>
#include <semaphore.h>

#include "snapshot_common.h"

enum { kRunning = 4, kSnapshots = 3 };

static sem_t ready;
static _Atomic long steps[kRunning];

static void* sleep_with_block(void* argument) {
  const long number = (long)argument;
  char* volatile block = malloc(200);
  REQUIRE(block != NULL);
  memset(block, 0x5a, 200);
  sem_post(&ready);
  for (;;) {
    if (number % 2 == 0) pause();
    const struct timespec limit = {1000, 0};
    nanosleep(&limit, NULL);
  }
  return block;
}

static void* run(void* argument) {
  char* volatile block = malloc(300);
  REQUIRE(block != NULL);
  sem_post(&ready);
  for (;;) atomic_fetch_add((_Atomic long*)argument, 1);
  return block;
}

int main(int argc, char** argv) {
  const long threads = argc > 1 ? atol(argv[1]) : 1000;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 << 10);
  sem_init(&ready, 0, 0);
  for (long i = 0; i < threads + kRunning; ++i) {
    pthread_t thread;
    const int error = i < threads ? pthread_create(&thread, &small, sleep_with_block, (void*)i)
                                  : pthread_create(&thread, &small, run, (void*)&steps[i - threads]);
    errno = error;
    REQUIRE(error == 0);
  }
  for (long i = 0; i < threads + kRunning; ++i) sem_wait(&ready);
  for (int i = 0; i < kSnapshots; ++i) {
    const double before = seconds_now();
    tidemark_snapshot();
    const double took = seconds_now() - before;
    EXPECT(took < 10, "a snapshot took %.1f s", took);
    usleep(300000);
  }
  // All that ran still runs.
  for (int i = 0; i < kRunning; ++i) {
    const long before = atomic_load(&steps[i]);
    for (int wait = 0; wait < 1000 && atomic_load(&steps[i]) == before; ++wait) usleep(10000);
    EXPECT(atomic_load(&steps[i]) != before, "thread %d was not let go on", i);
  }
  return verdict();
}

// thread_crowd SHORT AT_ONCE: SHORT threads one after the other, each with one allocation, then AT_ONCE threads at the
// same time, which all wait for one another while they hold blocks. Half of them give themselves a name.
// Prints "counts ALLOCATIONS FREES" of its own.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static _Atomic long allocations, frees;
static pthread_barrier_t together;

static void* short_life(void* data) {
  void* volatile block = malloc(100);
  atomic_fetch_add(&allocations, 1);
  free(block);
  atomic_fetch_add(&frees, 1);
  return data;
}

static void* among_many(void* data) {
  const long number = (long)data;
  char name[16];
  snprintf(name, sizeof(name), "worker %d", (int)number % 10000);
  if (number % 4 == 0) pthread_setname_np(pthread_self(), name);
  if (number % 4 == 1) prctl(PR_SET_NAME, name, 0, 0, 0);
  void* blocks[20];
  for (int i = 0; i < 20; ++i) {
    blocks[i] = malloc(1000);
    atomic_fetch_add(&allocations, 1);
  }
  pthread_barrier_wait(&together);
  for (int i = 0; i < 20; ++i) {
    free(blocks[i]);
    atomic_fetch_add(&frees, 1);
  }
  return NULL;
}

int main(int argument_count, char** arguments) {
  if (argument_count < 3) return 2;
  const int shorts = atoi(arguments[1]), many = atoi(arguments[2]);
  pthread_t one;
  for (int i = 0; i < shorts; ++i) {
    if (pthread_create(&one, NULL, short_life, NULL) != 0) return 1;
    pthread_join(one, NULL);
  }
  pthread_barrier_init(&together, NULL, (unsigned)many);
  pthread_t* threads = calloc((size_t)many, sizeof(*threads));
  atomic_fetch_add(&allocations, 1);
  for (long i = 0; i < many; ++i)
    if (pthread_create(&threads[i], NULL, among_many, (void*)i) != 0) return 1;
  for (int i = 0; i < many; ++i) pthread_join(threads[i], NULL);
  free(threads);
  atomic_fetch_add(&frees, 1);
  printf("counts %ld %ld\n", atomic_load(&allocations), atomic_load(&frees));
  return 0;
}

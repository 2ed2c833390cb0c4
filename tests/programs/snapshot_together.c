// snapshot_together [THREADS [CALLS]]: threads that take snapshots at the same time, and a signal handler that takes
// one wherever the program is, in malloc for instance. Each call comes back.
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "snapshot_common.h"

static int calls;
static _Atomic long came_back;
static _Atomic long from_handler;

static void* take(void* argument) {
  for (int i = 0; i < calls; ++i) {
    void* volatile block = malloc(100);
    const double before = seconds_now();
    errno = 4711;
    tidemark_snapshot();
    EXPECT(errno == 4711, "errno: %d", errno);
    EXPECT(seconds_now() - before < 20, "a snapshot took %.1f s", seconds_now() - before);
    free(block);
    atomic_fetch_add(&came_back, 1);
  }
  return argument;
}

static void take_in_handler(int number) {
  (void)number;
  const int error = errno;
  tidemark_snapshot();
  atomic_fetch_add(&from_handler, 1);
  errno = error;
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : 8;
  calls = argc > 2 ? atoi(argv[2]) : 20;
  pthread_t ids[64];
  REQUIRE(threads <= 64);
  for (int i = 0; i < threads; ++i) REQUIRE(pthread_create(&ids[i], NULL, take, NULL) == 0);
  for (int i = 0; i < threads; ++i) pthread_join(ids[i], NULL);
  EXPECT(atomic_load(&came_back) == (long)threads * calls, "%ld calls came back", atomic_load(&came_back));

  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = take_in_handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval interval = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_REAL, &interval, NULL);
  for (const double end = seconds_now() + 1; seconds_now() < end;) {
    void* volatile block = malloc(300);
    free(block);
  }
  const struct itimerval none = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &none, NULL);
  EXPECT(atomic_load(&from_handler) > 2, "%ld snapshots in handlers", atomic_load(&from_handler));
  return verdict();
}

// snapshot_unnoticed [SNAPSHOTS]: notices whatever a program could notice of 100 snapshots of its heap, and should not.
//
// Threads sleep in every kind of call that a stopped or signalled thread may come out of too early (or too late: a time
// that starts anew), one of them with every signal blocked; one computes, one allocates. Meanwhile main takes the
// snapshots and looks, around each, at errno, descriptors, children, the signal mask, handlers and its threads. First
// without any child; then with one, which looks at its parent, and which a thread waits for.
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "snapshot_common.h"

enum { kMilliseconds = 150 };
// A time may be late on a busy machine, but not because it started anew: there are snapshots all the time.
static const double kTooLate = 2.0;

static _Atomic int stop;
static _Atomic int started;
static _Atomic int signals_seen[65];
static _Atomic int atfork_calls;

// --- calls with a time limit, over and over: they time out, not earlier and not much later

struct limited {
  const char* name;
  int (*call)(const struct limited* self);  // the errno that it failed with, 0 if it said "nothing happened"
  int expected;
  int descriptor;
};

static struct timespec in_milliseconds(clockid_t clock, long milliseconds) {
  struct timespec when;
  clock_gettime(clock, &when);
  when.tv_nsec += milliseconds * 1000000;
  when.tv_sec += when.tv_nsec / 1000000000;
  when.tv_nsec %= 1000000000;
  return when;
}

static int result(long returned) { return returned < 0 ? errno : returned > 0 ? -1 : 0; }

static int call_epoll_wait(const struct limited* self) {
  struct epoll_event event;
  return result(epoll_wait(self->descriptor, &event, 1, kMilliseconds));
}

static int call_poll(const struct limited* self) {
  struct pollfd wanted = {self->descriptor, POLLIN, 0};
  return result(poll(&wanted, 1, kMilliseconds));
}

static int call_ppoll(const struct limited* self) {
  struct pollfd wanted = {self->descriptor, POLLIN, 0};
  const struct timespec limit = {0, kMilliseconds * 1000000};
  sigset_t none;
  sigemptyset(&none);
  sigaddset(&none, SIGCHLD);  // is main's
  return result(ppoll(&wanted, 1, &limit, &none));
}

static int call_select(const struct limited* self) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(self->descriptor, &set);
  struct timeval limit = {0, kMilliseconds * 1000};
  return result(select(self->descriptor + 1, &set, NULL, NULL, &limit));
}

static int call_nanosleep(const struct limited* self) {
  (void)self;
  const struct timespec limit = {0, kMilliseconds * 1000000};
  struct timespec left = {0, 0};
  return result(nanosleep(&limit, &left));
}

static int call_clock_nanosleep(const struct limited* self) {
  (void)self;
  const struct timespec until = in_milliseconds(CLOCK_MONOTONIC, kMilliseconds);
  return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static int call_sem_timedwait(const struct limited* self) {
  (void)self;
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  const struct timespec until = in_milliseconds(CLOCK_REALTIME, kMilliseconds);
  return result(sem_timedwait(&semaphore, &until));
}

static int call_cond_timedwait(const struct limited* self) {
  (void)self;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(&mutex);
  const struct timespec until = in_milliseconds(CLOCK_REALTIME, kMilliseconds);
  int error;
  do error = pthread_cond_timedwait(&condition, &mutex, &until);
  while (error == 0);
  pthread_mutex_unlock(&mutex);
  return error;
}

static int call_futex(const struct limited* self) {
  (void)self;
  uint32_t word = 0;
  const struct timespec limit = {0, kMilliseconds * 1000000};
  return result(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0));
}

static int call_sigtimedwait(const struct limited* self) {
  (void)self;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  const struct timespec limit = {0, kMilliseconds * 1000000};
  return result(sigtimedwait(&set, NULL, &limit));
}

static int call_semtimedop(const struct limited* self) {
  struct sembuf down = {0, -1, 0};
  const struct timespec limit = {0, kMilliseconds * 1000000};
  return result(semtimedop(self->descriptor, &down, 1, &limit));
}

static int call_recv(const struct limited* self) {
  char byte;
  return result(recv(self->descriptor, &byte, 1, 0));
}

static int call_accept(const struct limited* self) { return result(accept(self->descriptor, NULL, NULL)); }

static void* run_limited(void* argument) {
  const struct limited* self = argument;
  atomic_fetch_add(&started, 1);
  while (!atomic_load(&stop)) {
    const double before = seconds_now();
    const int error = self->call(self);
    const double took = seconds_now() - before;
    EXPECT(error == self->expected, "%s: %s", self->name, error < 0 ? "something happened" : strerror(error));
    EXPECT(took > kMilliseconds * 0.001 - 0.005, "%s: back after %.3f s", self->name, took);
    EXPECT(took < kMilliseconds * 0.001 + kTooLate, "%s: back only after %.3f s", self->name, took);
  }
  return NULL;
}

// --- calls without a limit: they come back once, when main ends them, with what main gave them

struct endless {
  const char* name;
  long (*call)(int descriptor);
  long expected;
  int descriptor;
  int end;  // what main writes to, connects with, unlocks...
  pthread_t thread;
  _Atomic int back;
};

static long endless_read(int descriptor) {
  char byte;
  return read(descriptor, &byte, 1);
}

static long endless_recv(int descriptor) {
  char byte;
  return recv(descriptor, &byte, 1, 0);
}

static long endless_read_all_blocked(int descriptor) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  return endless_read(descriptor);
}

static long endless_epoll_wait(int descriptor) {
  struct epoll_event event;
  return epoll_wait(descriptor, &event, 1, -1);
}

static long endless_poll(int descriptor) {
  struct pollfd wanted = {descriptor, POLLIN, 0};
  return poll(&wanted, 1, -1);
}

static long endless_accept(int descriptor) {
  const int accepted = accept(descriptor, NULL, NULL);
  if (accepted < 0) return -1;
  close(accepted);
  return 1;
}

static uint32_t futex_word;
static long endless_futex(int descriptor) {
  (void)descriptor;
  const long result = syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
  return result == -1 && errno == EAGAIN ? 0 : result;  // changed before it slept (again)
}

static long endless_message(int descriptor) {
  struct {
    long type;
    char text[8];
  } message;
  return msgrcv(descriptor, &message, sizeof(message.text), 0, 0);
}

static long endless_semaphore(int descriptor) {
  struct sembuf down = {1, -1, 0};
  return semop(descriptor, &down, 1);
}

static long endless_lock(int descriptor) { return flock(descriptor, LOCK_EX); }

static long endless_inotify(int descriptor) {
  char event[sizeof(struct inotify_event) + NAME_MAX + 1];
  return read(descriptor, event, sizeof(event)) > 0 ? 1 : -1;
}

// These two end by a signal, and say so by EINTR: once.
static long endless_pause(int descriptor) {
  (void)descriptor;
  return pause() == -1 && errno == EINTR ? 1 : 0;
}

static long endless_sigsuspend(int descriptor) {
  (void)descriptor;
  sigset_t none;
  sigemptyset(&none);
  return sigsuspend(&none) == -1 && errno == EINTR ? 1 : 0;
}

static void* run_endless(void* argument) {
  struct endless* self = argument;
  atomic_fetch_add(&started, 1);
  errno = 0;
  const long returned = self->call(self->descriptor);
  const int error = errno;
  EXPECT(atomic_load(&stop), "%s: came back: %ld, %s", self->name, returned, strerror(error));
  EXPECT(returned == self->expected, "%s: %ld, %s", self->name, returned, strerror(error));
  atomic_store(&self->back, 1);
  return NULL;
}

// --- threads that run

// The same numbers in integer and floating-point registers all the time, against what they must be.
static void* compute(void* argument) {
  (void)argument;
  atomic_fetch_add(&started, 1);
  double first_sum = 0;
  uint64_t first_hash = 0;
  for (int round = 0; !atomic_load(&stop); ++round) {
    double sum = 0;
    uint64_t hash = 14695981039346656037u;
    for (int i = 1; i < 200000; ++i) {
      sum += 1.0 / i;
      hash = (hash ^ (uint64_t)i) * 1099511628211u;
    }
    if (round == 0) {
      first_sum = sum;
      first_hash = hash;
    }
    EXPECT(sum == first_sum && hash == first_hash, "compute: another result");
  }
  return NULL;
}

static void* allocate(void* argument) {
  (void)argument;
  atomic_fetch_add(&started, 1);
  unsigned char* blocks[64] = {NULL};
  for (unsigned i = 0; !atomic_load(&stop); ++i) {
    unsigned char** slot = &blocks[i % 64];
    EXPECT(*slot == NULL || **slot == (unsigned char)(i % 64), "allocate: a block has changed");
    free(*slot);
    *slot = malloc(i * 7919 % 5000 + 1);
    REQUIRE(*slot != NULL);
    **slot = (unsigned char)(i % 64);
  }
  for (int i = 0; i < 64; ++i) free(blocks[i]);
  return NULL;
}

// --- what main looks at around each snapshot

static void count_signal(int number) { atomic_fetch_add(&signals_seen[number], 1); }
static void count_atfork(void) { atomic_fetch_add(&atfork_calls, 1); }

// Descriptors and what they are, in the order of numbers, as text.
static void list_descriptors(char* text, size_t size) {
  text[0] = '\0';
  size_t used = 0;
  for (int descriptor = 0; descriptor < 200; ++descriptor) {
    char path[40], target[200];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0) continue;
    target[length] = '\0';
    // Another thread's process sample, taken as it allocates: open for some 20 microseconds of its time.
    if (strncmp(target, "/proc/", 6) == 0 && strstr(target, "/task/") != NULL && strstr(target, "/status") != NULL)
      continue;
    if (used < size) used += (size_t)snprintf(text + used, size - used, "%d:%s ", descriptor, target);
  }
}

static int count_threads(void) {
  DIR* folder = opendir("/proc/self/task");
  REQUIRE(folder != NULL);
  int count = 0;
  while (readdir(folder) != NULL) ++count;
  closedir(folder);
  return count - 2;
}

struct surroundings {
  char descriptors[8000];
  sigset_t mask;
  struct sigaction actions[65];
  stack_t stack;
  int threads;
  pid_t pid, parent, group, session;
};

static void look(struct surroundings* at) {
  memset(at, 0, sizeof(*at));
  list_descriptors(at->descriptors, sizeof(at->descriptors));
  pthread_sigmask(SIG_SETMASK, NULL, &at->mask);
  for (int number = 1; number < 65; ++number) sigaction(number, NULL, &at->actions[number]);
  sigaltstack(NULL, &at->stack);
  at->threads = count_threads();
  at->pid = getpid();
  at->parent = getppid();
  at->group = getpgrp();
  at->session = getsid(0);
}

static void compare(const struct surroundings* before, const struct surroundings* after) {
  size_t same = 0;
  while (before->descriptors[same] != '\0' && before->descriptors[same] == after->descriptors[same]) ++same;
  while (same != 0 && before->descriptors[same - 1] != ' ') --same;
  EXPECT(strcmp(before->descriptors, after->descriptors) == 0, "descriptors: %.100s, then %.100s",
         before->descriptors + same, after->descriptors + same);
  for (int number = 1; number < 65; ++number) {
    EXPECT(sigismember(&before->mask, number) == sigismember(&after->mask, number), "mask of signal %d", number);
    const struct sigaction *old = &before->actions[number], *now = &after->actions[number];
    EXPECT(old->sa_handler == now->sa_handler && old->sa_flags == now->sa_flags, "handler of signal %d", number);
  }
  EXPECT(before->stack.ss_sp == after->stack.ss_sp && before->stack.ss_flags == after->stack.ss_flags, "signal stack");
  EXPECT(before->threads == after->threads, "%d threads, then %d", before->threads, after->threads);
  EXPECT(before->pid == after->pid && before->parent == after->parent && before->group == after->group &&
             before->session == after->session,
         "process numbers");
}

// Who holds the other end of a pipe, or a lock, besides us: nobody. A copy may have them for a moment.
static void look_for_copied_descriptors(const char* lock_file) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const int lock = open(lock_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(lock >= 0 && flock(lock, LOCK_EX) == 0);
  tidemark_snapshot();
  close(ends[1]);
  close(lock);
  struct pollfd wanted = {ends[0], POLLIN, 0};
  EXPECT(poll(&wanted, 1, 1000) == 1 && (wanted.revents & POLLHUP) != 0, "pipe: held by another process");
  close(ends[0]);
  const int again = open(lock_file, O_RDWR | O_CLOEXEC);
  REQUIRE(again >= 0);
  int locked = -1;
  for (int attempt = 0; attempt < 1000 && locked != 0; ++attempt) {
    locked = flock(again, LOCK_EX | LOCK_NB);
    if (locked != 0) usleep(1000);
  }
  EXPECT(locked == 0, "lock: held by another process");
  close(again);
}

static void take_snapshots(int count, int has_child, const char* lock_file) {
  static struct surroundings before, after;
  for (int i = 0; i < count; ++i) {
    look(&before);
    errno = 4711;
    tidemark_snapshot();
    const int error = errno;
    EXPECT(error == 4711, "errno: %d", error);
    look(&after);
    compare(&before, &after);
    int status = 0;
    const pid_t waited = waitpid(-1, &status, WNOHANG);
    if (has_child) {
      EXPECT(waited == 0, "waitpid: %d, status %d", (int)waited, status);
    } else {
      EXPECT(waited == -1 && errno == ECHILD, "waitpid: %d, %s", (int)waited, strerror(errno));
      EXPECT(wait(NULL) == -1 && errno == ECHILD, "wait: %s", strerror(errno));
      EXPECT(atomic_load(&atfork_calls) == 0, "%d calls of fork handlers", atomic_load(&atfork_calls));
    }
    for (int number = 1; number < 65; ++number) {
      EXPECT(atomic_load(&signals_seen[number]) == 0, "signal %d", number);
    }
    if (i % 10 == 9) look_for_copied_descriptors(lock_file);
    usleep(10000);
  }
}

static void* wait_for_child(void* argument) {
  const pid_t child = *(pid_t*)argument;
  int status = 0;
  const pid_t waited = waitpid(child, &status, 0);
  EXPECT(waited == child && WIFEXITED(status) && WEXITSTATUS(status) == 42, "waitpid of a child: %d, %s, status %d",
         (int)waited, strerror(errno), status);
  EXPECT(atomic_load(&stop), "waitpid of a child: came back");
  return NULL;
}

// The child reads from a pipe until main closes it; its parent remains its parent.
static pid_t start_child(int* end) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t parent = getpid();
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    close(ends[1]);
    char byte;
    const ssize_t got = read(ends[0], &byte, 1);
    _exit(got == 0 && getppid() == parent ? 42 : 1);
  }
  close(ends[0]);
  *end = ends[1];
  return child;
}

static int local_socket(struct sockaddr_un* address, const char* path, int listening) {
  const int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(made >= 0);
  memset(address, 0, sizeof(*address));
  address->sun_family = AF_UNIX;
  snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
  if (listening) {
    unlink(path);
    REQUIRE(bind(made, (struct sockaddr*)address, sizeof(*address)) == 0 && listen(made, 5) == 0);
  }
  return made;
}

static void set_receive_limit(int socket_number) {
  const struct timeval limit = {0, kMilliseconds * 1000};
  REQUIRE(setsockopt(socket_number, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
}

int main(int argc, char** argv) {
  const int snapshots = argc > 1 ? atoi(argv[1]) : 100;
  char folder[] = "/tmp/tidemark_unnoticed.XXXXXX";
  REQUIRE(mkdtemp(folder) != NULL);
  char lock_file[60], other_lock[60], first_path[60], second_path[60];
  snprintf(lock_file, sizeof(lock_file), "%s/lock", folder);
  snprintf(other_lock, sizeof(other_lock), "%s/other", folder);
  snprintf(first_path, sizeof(first_path), "%s/first", folder);
  snprintf(second_path, sizeof(second_path), "%s/second", folder);

  // No SA_RESTART: a signal would show.
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = count_signal;
  for (int number = 1; number < 65; ++number) {
    if (number != SIGSEGV && number != SIGBUS && number != SIGILL && number != SIGFPE && number != SIGABRT) {
      sigaction(number, &action, NULL);
    }
  }
  sigset_t waited_for;
  sigemptyset(&waited_for);
  sigaddset(&waited_for, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &waited_for, NULL);
  pthread_atfork(count_atfork, count_atfork, count_atfork);

  int pairs[3][2], quiet[2], pipes[3][2];
  for (int i = 0; i < 3; ++i) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]) == 0 && pipe2(pipes[i], O_CLOEXEC) == 0);
  }
  REQUIRE(pipe2(quiet, O_CLOEXEC) == 0);
  struct sockaddr_un address, limited_address;
  const int listening = local_socket(&address, first_path, 1);
  const int limited_listening = local_socket(&limited_address, second_path, 1);
  set_receive_limit(pairs[0][0]);
  set_receive_limit(limited_listening);
  const int semaphores = semget(IPC_PRIVATE, 2, 0600);
  const int messages = msgget(IPC_PRIVATE, 0600);
  REQUIRE(semaphores >= 0 && messages >= 0);
  const int event = eventfd(0, EFD_CLOEXEC);
  const int epoll = epoll_create1(EPOLL_CLOEXEC), quiet_epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event wanted = {.events = EPOLLIN};
  REQUIRE(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) == 0);
  REQUIRE(epoll_ctl(quiet_epoll, EPOLL_CTL_ADD, quiet[0], &wanted) == 0);
  const int notify = inotify_init1(IN_CLOEXEC);
  const int held_lock = open(other_lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int wanted_lock = open(other_lock, O_RDWR | O_CLOEXEC);
  REQUIRE(notify >= 0 && inotify_add_watch(notify, other_lock, IN_ATTRIB) >= 0);
  REQUIRE(held_lock >= 0 && wanted_lock >= 0 && flock(held_lock, LOCK_EX) == 0);

  const struct limited limited[] = {
      {"epoll_wait with a limit", call_epoll_wait, 0, quiet_epoll},
      {"poll with a limit", call_poll, 0, quiet[0]},
      {"ppoll with a limit", call_ppoll, 0, quiet[0]},
      {"select", call_select, 0, quiet[0]},
      {"nanosleep", call_nanosleep, 0, 0},
      {"clock_nanosleep", call_clock_nanosleep, 0, 0},
      {"sem_timedwait", call_sem_timedwait, ETIMEDOUT, 0},
      {"pthread_cond_timedwait", call_cond_timedwait, ETIMEDOUT, 0},
      {"futex with a limit", call_futex, ETIMEDOUT, 0},
      {"sigtimedwait", call_sigtimedwait, EAGAIN, 0},
      {"semtimedop", call_semtimedop, EAGAIN, semaphores},
      {"recv with a limit", call_recv, EAGAIN, pairs[0][0]},
      {"accept with a limit", call_accept, EAGAIN, limited_listening},
  };
  enum { kLimited = sizeof(limited) / sizeof(limited[0]), kEndless = 13 };
  struct endless endless[kEndless] = {
      {.name = "read", .call = endless_read, .expected = 1, .descriptor = pipes[0][0], .end = pipes[0][1]},
      {.name = "read with all signals blocked",
       .call = endless_read_all_blocked,
       .expected = 1,
       .descriptor = pipes[1][0],
       .end = pipes[1][1]},
      {.name = "poll", .call = endless_poll, .expected = 1, .descriptor = pipes[2][0], .end = pipes[2][1]},
      {.name = "recv", .call = endless_recv, .expected = 1, .descriptor = pairs[1][0], .end = pairs[1][1]},
      {.name = "epoll_wait", .call = endless_epoll_wait, .expected = 1, .descriptor = epoll, .end = event},
      {.name = "accept", .call = endless_accept, .expected = 1, .descriptor = listening},
      {.name = "futex", .call = endless_futex, .expected = 0},
      {.name = "msgrcv", .call = endless_message, .expected = 4, .descriptor = messages},
      {.name = "semop", .call = endless_semaphore, .expected = 0, .descriptor = semaphores},
      {.name = "flock", .call = endless_lock, .expected = 0, .descriptor = wanted_lock},
      {.name = "read of inotify", .call = endless_inotify, .expected = 1, .descriptor = notify},
      {.name = "pause", .call = endless_pause, .expected = 1},
      {.name = "sigsuspend", .call = endless_sigsuspend, .expected = 1},
  };
  // SIGCHLD, which comes once at the end, goes to any thread that takes it: to main alone.
  sigset_t child_ends;
  sigemptyset(&child_ends);
  sigaddset(&child_ends, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &child_ends, NULL);
  pthread_t threads[kLimited + 2];
  for (int i = 0; i < kLimited; ++i) REQUIRE(pthread_create(&threads[i], NULL, run_limited, (void*)&limited[i]) == 0);
  REQUIRE(pthread_create(&threads[kLimited], NULL, compute, NULL) == 0);
  REQUIRE(pthread_create(&threads[kLimited + 1], NULL, allocate, NULL) == 0);
  for (int i = 0; i < kEndless; ++i) {
    REQUIRE(pthread_create(&endless[i].thread, NULL, run_endless, &endless[i]) == 0);
  }
  pthread_sigmask(SIG_UNBLOCK, &child_ends, NULL);
  while (atomic_load(&started) < kLimited + kEndless + 2) usleep(1000);
  usleep(20000);

  take_snapshots(snapshots / 2, 0, lock_file);
  int child_end;
  pid_t child = start_child(&child_end);
  pthread_t waiting;
  REQUIRE(pthread_create(&waiting, NULL, wait_for_child, &child) == 0);
  usleep(20000);
  take_snapshots(snapshots - snapshots / 2, 1, lock_file);

  for (int i = 0; i < kEndless; ++i) EXPECT(!atomic_load(&endless[i].back), "%s: came back", endless[i].name);
  atomic_store(&stop, 1);
  const uint64_t one = 1;
  for (int i = 0; i < 4; ++i) REQUIRE(write(endless[i].end, "x", 1) == 1);
  REQUIRE(write(event, &one, sizeof(one)) == sizeof(one));
  struct sockaddr_un to;
  const int connecting = local_socket(&to, first_path, 0);
  REQUIRE(connect(connecting, (struct sockaddr*)&to, sizeof(to)) == 0);
  // Without a change of the word, a waiter that is just being stopped would sleep on.
  __atomic_store_n(&futex_word, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &futex_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  const struct {
    long type;
    char text[8];
  } message = {1, "text"};
  struct sembuf up = {1, 1, 0};
  REQUIRE(msgsnd(messages, &message, 4, 0) == 0 && semop(semaphores, &up, 1) == 0);
  REQUIRE(flock(held_lock, LOCK_UN) == 0 && fchmod(held_lock, 0640) == 0);
  pthread_kill(endless[kEndless - 2].thread, SIGUSR1);
  pthread_kill(endless[kEndless - 1].thread, SIGUSR1);
  close(child_end);
  for (int i = 0; i < kLimited + 2; ++i) pthread_join(threads[i], NULL);
  for (int i = 0; i < kEndless; ++i) pthread_join(endless[i].thread, NULL);
  pthread_join(waiting, NULL);
  EXPECT(atomic_load(&signals_seen[SIGUSR1]) == 2, "SIGUSR1: %d", atomic_load(&signals_seen[SIGUSR1]));
  EXPECT(atomic_load(&signals_seen[SIGCHLD]) == 1, "SIGCHLD: %d", atomic_load(&signals_seen[SIGCHLD]));
  EXPECT(atomic_load(&atfork_calls) == 2, "%d calls of fork handlers", atomic_load(&atfork_calls));

  semctl(semaphores, 0, IPC_RMID);
  msgctl(messages, IPC_RMID, NULL);
  unlink(lock_file);
  unlink(other_lock);
  unlink(first_path);
  unlink(second_path);
  rmdir(folder);
  return verdict();
}

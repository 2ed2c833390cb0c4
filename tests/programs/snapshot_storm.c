// snapshot_storm WHAT SECONDS END: two threads take snapshots all the time, others do WHAT so long, and then the
// process ends in the middle of it. WHAT is one of
//   fork      children that allocate, take a snapshot of their own, and end
//   vfork     children between vfork and exec for a while, when their parent's thread cannot be stopped
//   spawn     posix_spawn
//   threads   threads that begin, allocate and end
//   modules   a plugin that is opened and closed (libleaks_plugin.so beside the program)
//   all       all of these; END is return, exit, _exit, exec (of /bin/echo OK) or never (to be killed).
#include <dlfcn.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

#include "snapshot_common.h"

extern char** environ;

static _Atomic int stop;
static _Atomic int at_exec;  // from before the exec on, the kernel itself refuses new threads with EAGAIN (fs->in_exec)
static _Atomic long done;

static void* take_snapshots(void* argument) {
  while (!atomic_load(&stop)) {
    const double before = seconds_now();
    tidemark_snapshot();
    EXPECT(seconds_now() - before < 20, "a snapshot took %.1f s", seconds_now() - before);
    usleep(500);
  }
  return argument;
}

static void expect_status(const char* what, pid_t child, int expected) {
  int status = 0;
  pid_t waited;
  do waited = waitpid(child, &status, 0);
  while (waited < 0 && errno == EINTR);
  EXPECT(waited == child && WIFEXITED(status) && WEXITSTATUS(status) == expected, "%s: status %x", what,
         (unsigned)status);
}

static void do_fork(void) {
  char* before = malloc(100);
  const pid_t child = fork();
  EXPECT(child >= 0, "fork: %s", strerror(errno));
  if (child < 0) return;
  if (child == 0) {
    char* inside = malloc(1000);
    tidemark_snapshot();
    free(inside);
    free(before);
    _exit(7);
  }
  free(before);
  expect_status("fork", child, 7);
}

static void do_vfork(void) {
  static char* const arguments[] = {"/bin/true", NULL};
  const struct timespec limit = {0, 20000000};
  const pid_t child = vfork();
  if (child == 0) {
    nanosleep(&limit, NULL);
    execve(arguments[0], arguments, environ);
    _exit(9);
  }
  EXPECT(child > 0, "vfork: %s", strerror(errno));
  if (child > 0) expect_status("vfork", child, 0);
}

static void do_spawn(void) {
  static char* const arguments[] = {"/bin/true", NULL};
  pid_t child;
  const int error = posix_spawn(&child, arguments[0], NULL, NULL, arguments, environ);
  EXPECT(error == 0 || atomic_load(&at_exec), "posix_spawn: %s", strerror(error));
  if (error == 0) expect_status("posix_spawn", child, 0);
}

static void* short_life(void* argument) {
  char* volatile block = malloc(500);
  free(block);
  return argument;
}

static void do_threads(void) {
  pthread_t threads[8];
  int count = 0;
  for (; count < 8; ++count) {
    errno = pthread_create(&threads[count], NULL, short_life, NULL);
    if (errno == EAGAIN && atomic_load(&at_exec)) break;
    REQUIRE(errno == 0);
  }
  for (int i = 0; i < count; ++i) pthread_join(threads[i], NULL);
}

static char plugin_path[4200];

static void do_modules(void) {
  void* plugin = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
  EXPECT(plugin != NULL, "dlopen: %s", dlerror());
  if (plugin != NULL) dlclose(plugin);
}

struct work {
  const char* name;
  void (*step)(void);
};

static const struct work works[] = {
    {"fork", do_fork}, {"vfork", do_vfork}, {"spawn", do_spawn}, {"threads", do_threads}, {"modules", do_modules},
};

static void* work_on(void* argument) {
  const struct work* work = argument;
  while (!atomic_load(&stop)) {
    work->step();
    atomic_fetch_add(&done, 1);
  }
  return argument;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s WHAT SECONDS END\n", argv[0]);
    return 2;
  }
  const ssize_t length = readlink("/proc/self/exe", plugin_path, 4000);
  REQUIRE(length > 0);
  plugin_path[length] = '\0';
  strcpy(strrchr(plugin_path, '/'), "/libleaks_plugin.so");

  pthread_t threads[2 + 5];
  int count = 0;
  for (; count < 2; ++count) REQUIRE(pthread_create(&threads[count], NULL, take_snapshots, NULL) == 0);
  for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); ++i) {
    if (strcmp(argv[1], "all") != 0 && strcmp(argv[1], works[i].name) != 0) continue;
    REQUIRE(pthread_create(&threads[count++], NULL, work_on, (void*)&works[i]) == 0);
  }
  REQUIRE(count > 2);

  const char* end = argv[3];
  do usleep((useconds_t)(atof(argv[2]) * 1e6));
  while (strcmp(end, "never") == 0);
  EXPECT(atomic_load(&done) > 0, "nothing was done");
  if (strcmp(end, "exec") == 0 && atomic_load(&things_seen) == 0) {
    atomic_store(&at_exec, 1);
    execl("/bin/echo", "echo", "OK", NULL);
  }
  if (strcmp(end, "return") == 0) {  // orderly: nothing may hang
    atomic_store(&stop, 1);
    for (int i = 0; i < count; ++i) pthread_join(threads[i], NULL);
  }
  const int status = verdict();
  fflush(stdout);
  if (strcmp(end, "_exit") == 0) _exit(status);
  if (strcmp(end, "exit") == 0) exit(status);
  return status;
}

// process_tree CASE: one way for a process to come from another per case. Every process allocates a number of blocks of
// its own and frees all but one; each prints "name pid parent-pid allocations" to stdout itself, with write.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char* self;

// Allocates `count` blocks, keeps one, and says so.
static void work(const char* name, int count) {
  void* volatile kept = malloc(4321);
  for (int i = 1; i < count; ++i) {
    void* volatile block = malloc((size_t)i % 100 + 1);
    free(block);
  }
  (void)kept;
  char line[100];
  const int size = snprintf(line, sizeof(line), "%s %d %d %d\n", name, getpid(), getppid(), count);
  if (write(1, line, (size_t)size) != size) _exit(99);
}

static void wait_for(pid_t pid) {
  int status = 0;
  if (pid <= 0 || waitpid(pid, &status, 0) != pid || status != 0) {
    fprintf(stderr, "child %d: status %d\n", pid, status);
    exit(98);
  }
}

static void case_fork(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    work("child", 200);
    exit(0);
  }
  wait_for(pid);
  work("parent", 100);
}

static void case_nested(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    const pid_t grandchild = fork();  // before anything was allocated here
    if (grandchild == 0) {
      work("grandchild", 300);
      exit(0);
    }
    wait_for(grandchild);
    work("child", 200);
    exit(0);
  }
  wait_for(pid);
  work("parent", 100);
}

static void case_fork_exec(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    execl(self, self, "work", "child", "200", (char*)NULL);
    _exit(97);
  }
  wait_for(pid);
  work("parent", 100);
}

static void case_vfork_exec(void) {
  for (volatile int i = 0; i < 3; ++i) {
    char* arguments[] = {(char*)self, "work", "child", "200", NULL};
    const pid_t pid = vfork();
    if (pid == 0) {
      execv(self, arguments);
      _exit(97);
    }
    wait_for(pid);
  }
  // A child that fails to exec leaves its parent's record as it was.
  const pid_t pid = vfork();
  if (pid == 0) {
    execl("/nonexistent/program", "program", (char*)NULL);
    _exit(0);
  }
  wait_for(pid);
  work("parent", 100);
}

static void case_spawn(void) {
  char* arguments[] = {(char*)self, "work", "child", "200", NULL};
  char* fresh[] = {"ONLY=this", NULL};
  char* empty[] = {NULL};
  pid_t pid;
  if (posix_spawn(&pid, self, NULL, NULL, arguments, fresh) != 0) exit(96);
  wait_for(pid);
  if (posix_spawnp(&pid, self, NULL, NULL, arguments, empty) != 0) exit(96);
  wait_for(pid);
  work("parent", 100);
}

static void case_exec(void) {
  work("first", 100);
  execl(self, self, "work", "second", "200", (char*)NULL);
  exit(97);
}

static void case_exec_fresh(void) {
  work("first", 100);
  char* arguments[] = {(char*)self, "exec_again", NULL};
  char* fresh[] = {"ONLY=this", NULL};
  execve(self, arguments, fresh);
  exit(97);
}

static void case_exec_again(void) {
  work("second", 200);
  execl(self, self, "work", "third", "300", (char*)NULL);
  exit(97);
}

static void case_exec_fails(void) {
  work("first", 100);
  if (execl("/nonexistent/program", "program", (char*)NULL) != -1 || errno != ENOENT) exit(95);
  char* arguments[] = {"program", NULL};
  if (execvp("no-such-program-anywhere", arguments) != -1 || errno != ENOENT) exit(95);
  work("still first", 150);
}

// Every member of the exec family, one child each.
static void case_exec_family(void) {
  extern char** environ;
  char* arguments[] = {(char*)self, "work", "child", "200", NULL};
  char* fresh[] = {"ONLY=this", NULL};
  for (int which = 0; which < 8; ++which) {
    const pid_t pid = fork();
    if (pid == 0) {
      if (which == 0) execl(self, self, "work", "child", "200", (char*)NULL);
      if (which == 1) execlp(self, self, "work", "child", "200", (char*)NULL);
      if (which == 2) execle(self, self, "work", "child", "200", (char*)NULL, fresh);
      if (which == 3) execv(self, arguments);
      if (which == 4) execvp(self, arguments);
      if (which == 5) execvpe(self, arguments, fresh);
      if (which == 6) execve(self, arguments, environ);
      if (which == 7) fexecve(open(self, O_RDONLY | O_CLOEXEC), arguments, fresh);
      _exit(97);
    }
    wait_for(pid);
  }
  work("parent", 100);
}

// A daemon by the book; it ends by itself, after its parent. Its line goes to the pipe that the parent's is on.
static void case_daemon(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    if (chdir("/") != 0) _exit(94);
    for (int fd = 3; fd < 100; ++fd) close(fd);
    usleep(300000);
    work("daemon", 300);
    exit(0);
  }
  wait_for(pid);
  work("parent", 100);
}

static atomic_int stop;
static _Atomic long long churned;

static void* churn(void* data) {
  (void)data;
  while (!atomic_load(&stop)) {
    void* volatile block = malloc(64);
    free(block);
    atomic_fetch_add(&churned, 1);
  }
  return NULL;
}

static void case_fork_threads(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i)
    if (pthread_create(&threads[i], NULL, churn, NULL) != 0) exit(93);
  for (int i = 0; i < 40; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      work("child", 200);
      _exit(0);
    }
    wait_for(pid);
  }
  atomic_store(&stop, 1);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  work("parent", 100);
  printf("churned %lld\n", (long long)churned);
}

static void case_storm(void) {
  pid_t pids[200];
  for (int i = 0; i < 200; ++i) {
    pids[i] = fork();
    if (pids[i] == 0) {
      work("child", 20);
      _exit(0);
    }
  }
  for (int i = 0; i < 200; ++i) wait_for(pids[i]);
  work("parent", 100);
}

// Children that libc makes itself, without calling anything that a preload sees; from a second image, so that the
// environment names the first one.
static void case_system(void) {
  work("first", 100);
  execl(self, self, "system_again", (char*)NULL);
  exit(97);
}

static void case_system_again(void) {
  char command[4200], line[100];
  snprintf(command, sizeof(command), "exec %s work child 200", self);
  if (system(command) != 0) exit(92);
  FILE* pipe = popen(command, "r");
  if (pipe == NULL) exit(92);
  while (fgets(line, sizeof(line), pipe) != NULL)
    if (write(1, line, strlen(line)) < 0) exit(92);
  pclose(pipe);
  work("parent", 100);
}

// Children that do nothing at all, and one that is killed.
static void case_exit_at_once(void) {
  for (int i = 0; i < 5; ++i) {
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    wait_for(pid);
  }
  const pid_t pid = vfork();
  if (pid == 0) _exit(0);
  wait_for(pid);
  work("parent", 100);
}

int main(int argument_count, char** arguments) {
  static const struct {
    const char* name;
    void (*run)(void);
  } cases[] = {
      {"fork", case_fork},
      {"nested", case_nested},
      {"fork_exec", case_fork_exec},
      {"vfork_exec", case_vfork_exec},
      {"spawn", case_spawn},
      {"exec", case_exec},
      {"exec_fresh", case_exec_fresh},
      {"exec_again", case_exec_again},
      {"exec_fails", case_exec_fails},
      {"exec_family", case_exec_family},
      {"daemon", case_daemon},
      {"fork_threads", case_fork_threads},
      {"storm", case_storm},
      {"system", case_system},
      {"system_again", case_system_again},
      {"exit_at_once", case_exit_at_once},
  };
  self = arguments[0];
  if (argument_count == 4 && strcmp(arguments[1], "work") == 0) {
    work(arguments[2], atoi(arguments[3]));
    return 0;
  }
  for (size_t i = 0; argument_count == 2 && i < sizeof(cases) / sizeof(cases[0]); ++i)
    if (strcmp(arguments[1], cases[i].name) == 0) {
      cases[i].run();
      return 0;
    }
  fprintf(stderr, "process_tree: no such case\n");
  return 2;
}

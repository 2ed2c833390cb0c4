// Runs a program and says how long it took and how much memory it held.
//
//   launch RESULT [NAME=VALUE...] PROGRAM [ARGS...]     the variables are the program's, not this one's
//
// RESULT becomes {"wall": seconds, "peak_rss": bytes, "status": exit status or minus the signal} as JSON. The kernel
// hands the high-water mark of a process down through exec: a program that a script started would show no less than the
// script has. This one starts it with little memory of its own, and takes the time without a script's delays.

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
  int first = 2;
  while (first < argc && std::strchr(argv[first], '=') != nullptr) ++first;
  if (first >= argc) return 2;
  const int result = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (result < 0) return 2;
  for (int i = 2; i < first; ++i) putenv(argv[i]);

  const auto start = std::chrono::steady_clock::now();
  pid_t pid = 0;
  if (const int error = posix_spawnp(&pid, argv[first], nullptr, nullptr, argv + first, environ); error != 0) {
    std::fprintf(stderr, "launch: %s: %s\n", argv[first], std::strerror(error));
    return 2;
  }
  int status = 0;
  rusage usage{};
  while (wait4(pid, &status, 0, &usage) < 0) {
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;

  dprintf(result, "{\"wall\": %.6f, \"peak_rss\": %ld, \"status\": %d}\n", wall.count(), usage.ru_maxrss * 1024,
          WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

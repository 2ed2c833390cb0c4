// A heap of small blocks, and what it costs to copy the process that has it.
//
//   snapshot_heap GIGABYTES [FORKS [SNAPSHOTS]]
//
// Makes blocks of 32 to 128 bytes, GIGABYTES of them together, all reachable: each points at the one made before and at
// one of a million made lately, in an order that the addresses do not follow. Then measures, in this very process, a
// bare fork: a clone whose child ends at once, until the call returns in the parent (FORKS times, 7). Under the
// recorder it takes SNAPSHOTS (3) then, each when the copy that writes the one before has had time to. Linked with
// LeakSanitizer it measures one check of that. Prints one line of JSON.
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "tidemark.h"

extern "C" int __lsan_do_recoverable_leak_check() __attribute__((weak));  // NOLINT(readability-identifier-naming)

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Block {
  Block* before;
  Block* other;
  std::uint64_t number;
};

Block* newest;
std::vector<Block*> lately;

// How many blocks.
std::size_t fill(std::size_t bytes) {
  constexpr std::size_t kLately = 1'000'000;
  lately.reserve(kLately);
  std::uint64_t random = 1;
  std::uint64_t number = 0;
  for (std::size_t made = 0; made < bytes; ++number) {
    random = random * 6364136223846793005 + 1442695040888963407;
    const std::size_t size = 32 + (random >> 33) % 97;
    auto* block = static_cast<Block*>(std::malloc(size));
    if (block == nullptr) std::exit(3);
    *block = {newest, lately.empty() ? nullptr : lately[(random >> 20) % lately.size()], number};
    newest = block;
    if (lately.size() < kLately) {
      lately.push_back(block);
    } else {
      lately[(random >> 40) % kLately] = block;
    }
    made += size;
  }
  return number;
}

// No signal at the child's end, no fork handlers: what a snapshot does at least.
double bare_fork() {
  const auto start = Clock::now();
  const long child = syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) _exit(0);
  const double took = seconds_since(start);
  if (child < 0) return -1;
  while (waitpid(static_cast<pid_t>(child), nullptr, __WALL) < 0) {
  }
  return took;
}

void print_list(const char* name, const std::vector<double>& values) {
  std::printf(", \"%s\": [", name);
  for (std::size_t i = 0; i < values.size(); ++i) std::printf("%s%.6f", i == 0 ? "" : ", ", values[i]);
  std::printf("]");
}

}  // namespace

int main(int argc, char** argv) {
  const double gigabytes = argc > 1 ? std::atof(argv[1]) : 0.1;
  const int forks = argc > 2 ? std::atoi(argv[2]) : 7;
  const int snapshots = argc > 3 ? std::atoi(argv[3]) : 3;

  const auto start = Clock::now();
  const std::size_t bytes = static_cast<std::size_t>(gigabytes * (1 << 30));
  const std::size_t blocks = fill(bytes);
  std::printf("{\"gigabytes\": %g, \"blocks\": %zu, \"fill_s\": %.3f", gigabytes, blocks, seconds_since(start));

  std::vector<double> fork_seconds;
  fork_seconds.reserve(static_cast<std::size_t>(forks));
  for (int i = 0; i < forks; ++i) fork_seconds.push_back(bare_fork());
  print_list("bare_fork_s", fork_seconds);

  if (tidemark_client_snapshot != nullptr) {
    std::vector<double> call_seconds;
    for (int i = 0; i < snapshots; ++i) {
      const auto before = Clock::now();
      tidemark_snapshot();
      call_seconds.push_back(seconds_since(before));
      // Twice the time that the target, 1 GB a second, leaves it, and a forked process of a slow machine.
      std::this_thread::sleep_for(std::chrono::duration<double>(1 + 3 * gigabytes));
    }
    print_list("snapshot_call_s", call_seconds);
  }
  if (__lsan_do_recoverable_leak_check != nullptr) {
    const auto before = Clock::now();
    const int leaks = __lsan_do_recoverable_leak_check();
    print_list("leak_sanitizer_s", {seconds_since(before)});
    if (leaks != 0) std::fprintf(stderr, "snapshot_heap: LeakSanitizer found leaks\n");
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(", \"max_rss\": %ld}\n", usage.ru_maxrss * 1024);
  std::fflush(stdout);
  // The exit snapshot would write all of it once more.
  _exit(newest->number + 1 == blocks ? 0 : 1);
}

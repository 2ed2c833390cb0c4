// A leak that meets a memory limit: the audit log of a service keeps every request, until the process is killed.
//
//   verdict    true-leak / unbounded-retention, held by the global `audit_log`; from the trace alone, which just stops
//   evidence   live bytes grow linearly to the moment of death; no generation drains
//   figures    100 MB on top of what the process has when it begins, in about 60 rounds: some 385,800 entries of 256
//              bytes are held when it dies; the exact number is the last thing that it prints
//
// The limit is one on data (RLIMIT_DATA), which the program sets itself. The kernel's answer to that is a failed
// allocation; the program makes of it what the kernel's killer of processes would: SIGKILL, which leaves no time for
// anything. --limit-mb MEGABYTES: another limit. --limit-mb 0: none, to be run in a cgroup that has one, such as
//
//   systemd-run --user --scope -p MemoryMax=100M -p MemorySwapMax=0 build/release/bin/demos/oom --limit-mb 0
//
// and given up with status 1 when it has not been killed at eight times the usual size.

#include <csignal>
#include <new>

#include "demo.h"
#include "tidemark.h"

namespace {

struct Entry {
  Entry* next = nullptr;
  std::size_t number = 0;
  char text[240] = {};
};
static_assert(sizeof(Entry) == 256);

Entry* audit_log = nullptr;
demo::Tally logged;

[[gnu::noinline]] void log_requests(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    auto* entry = new Entry;
    std::snprintf(entry->text, sizeof entry->text, "request %zu: 200 OK", logged.blocks);
    entry->number = logged.blocks;
    entry->next = audit_log;
    audit_log = entry;
    logged.add_block(sizeof *entry);
  }
}

// Called by operator new when there is no memory. Standard output has its buffer by then.
void end_by_kill() {
  demo::print_tally("held at the end", logged);
  std::raise(SIGKILL);
}

// The limit is on top of what there is: a recorder has data of its own.
bool limit_data(std::size_t bytes) {
  std::size_t ignored = 0;
  std::size_t data_pages = 0;
  std::FILE* statm = std::fopen("/proc/self/statm", "r");
  if (statm == nullptr) return false;
  const int found =
      std::fscanf(statm, "%zu %zu %zu %zu %zu %zu", &ignored, &ignored, &ignored, &ignored, &ignored, &data_pages);
  std::fclose(statm);
  if (found != 6) return false;
  const rlim_t limit = data_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + bytes;
  const rlimit limits{limit, limit};
  return setrlimit(RLIMIT_DATA, &limits) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t kMegabytes = 100;
  constexpr std::size_t kUsualRounds = 60;
  const std::size_t chosen_limit = demo::take_number(argc, argv, "--limit-mb", SIZE_MAX);
  const demo::Options options = demo::parse_options(argc, argv);
  const std::size_t limit = chosen_limit == SIZE_MAX ? options.scaled(kMegabytes) : chosen_limit;
  const std::size_t entries = options.scaled(kMegabytes * 1024 * 1024 / kUsualRounds / (sizeof(Entry) + 16));

  std::set_new_handler(end_by_kill);
  demo::print_tally("held at the beginning", logged);
  demo::work(options.seconds / 10, 10, 5000);
  if (limit != 0 && !limit_data(limit << 20U)) {
    std::perror("oom: cannot limit data");
    return 2;
  }
  tidemark_mark("limited");

  demo::Pace pace(options.seconds * 9 / 10, kUsualRounds);
  for (std::size_t round = 1; round <= 8 * kUsualRounds; ++round) {
    log_requests(entries);
    demo::handle_requests(2000);
    if (round % 10 == 0) tidemark_mark(("round " + std::to_string(round)).c_str());
    pace.wait();
  }
  std::fprintf(stderr, "oom: still alive\n");
  return 1;
}

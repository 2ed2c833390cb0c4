// What the demos share: their flags, the pace of their rounds, the ordinary work that a program does between the
// interesting moments, and the count of what they hold, taken from their own data and not from the allocator, so that a
// report can be compared with it.
//
// Single-threaded. The number of allocations depends on --scale alone, never on the speed of the machine.
#pragma once

#include <sys/resource.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace demo {

struct Options {
  double scale = 1;    // multiplies how much data the program makes
  double seconds = 2;  // how long its rounds take together, at least

  // `count` scaled, at least 1.
  [[nodiscard]] std::size_t scaled(std::size_t count) const {
    const double result = static_cast<double>(count) * scale;
    return result < 1 ? 1 : static_cast<std::size_t>(result);
  }
};

// Whether the flag is there; it is taken out of the arguments.
inline bool take_flag(int& argc, char** argv, const char* flag) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], flag) != 0) continue;
    for (--argc; i < argc; ++i) argv[i] = argv[i + 1];
    return true;
  }
  return false;
}

// The number behind the flag, both taken out of the arguments; `otherwise` without the flag.
inline std::size_t take_number(int& argc, char** argv, const char* flag, std::size_t otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], flag) != 0) continue;
    const std::size_t number = std::strtoull(argv[i + 1], nullptr, 10);
    take_flag(argc, argv, argv[i + 1]);
    take_flag(argc, argv, flag);
    return number;
  }
  return otherwise;
}

// The flags that all demos have; a demo takes its own out before. Ends the program with status 2 when the flags cannot
// be understood.
inline Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    double* value = std::strcmp(argv[i], "--scale") == 0     ? &options.scale
                    : std::strcmp(argv[i], "--seconds") == 0 ? &options.seconds
                                                             : nullptr;
    char* end = nullptr;
    if (value != nullptr && i + 1 < argc) *value = std::strtod(argv[++i], &end);
    if (end == nullptr || end == argv[i] || *end != '\0' || !(*value >= 0)) {
      std::fprintf(stderr, "usage: %s [--scale FACTOR] [--seconds SECONDS]\n", argv[0]);
      std::exit(2);
    }
  }
  return options;
}

// Spreads `rounds` rounds evenly over a time: wait() returns at the end of the round, or at once when it is late.
class Pace {
 public:
  Pace(double seconds, int rounds)
      : round_(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds / rounds))) {}

  void wait() { std::this_thread::sleep_until(next_ += round_); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::duration round_;
  Clock::time_point next_ = Clock::now();
};

// A text of exactly 47 characters, distinct for each number below 10^12: one heap block of 48 bytes, since libstdc++
// keeps at most 15 characters inside the string itself.
inline std::string numbered_string(std::size_t number) {
  char text[64];
  const int length =
      std::snprintf(text, sizeof text, "string %012zu of the data that a demo has", number % 1'000'000'000'000);
  return {text, static_cast<std::size_t>(length)};
}

// The blocks and requested bytes of a data structure.
struct Tally {
  std::size_t blocks = 0;
  std::size_t bytes = 0;

  void add_block(std::size_t size) {
    if (size == 0) return;
    ++blocks;
    bytes += size;
  }

  void add(const std::string& text) {
    if (text.capacity() > 15) add_block(text.capacity() + 1);
  }

  // The array, and what its elements hold where that is counted here too (strings, vectors).
  template <typename Element>
  void add(const std::vector<Element>& elements) {
    add_block(elements.capacity() * sizeof(Element));
    if constexpr (requires(const Element& element) { add(element); }) {
      for (const Element& element : elements) add(element);
    }
  }
};

// The line that tests read.
inline void print_tally(const char* moment, const Tally& tally) {
  std::printf("%s: blocks=%zu bytes=%zu\n", moment, tally.blocks, tally.bytes);
  std::fflush(stdout);
}

// The growth of `hold` and `release`: distinct strings in an array of exactly their number.
[[gnu::noinline]] inline void normal_growth(std::vector<std::string>& data, std::size_t strings) {
  data.reserve(strings);
  for (std::size_t i = 0; i < strings; ++i) data.push_back(numbered_string(i));
}

// One round of what a program does all the time: `requests` short-lived strings, at most 100 of them at once.
[[gnu::noinline]] inline std::size_t handle_requests(std::size_t requests) {
  std::size_t characters = 0;
  std::vector<std::string> session;
  session.reserve(100);
  for (std::size_t i = 0; i < requests; ++i) {
    if (session.size() == session.capacity()) session.clear();
    session.push_back(numbered_string(i));
    characters += session.back().size();
  }
  return characters;
}

// Rounds of ordinary work over `seconds`.
inline void work(double seconds, int rounds, std::size_t requests) {
  Pace pace(seconds, rounds);
  for (int round = 0; round < rounds; ++round) {
    handle_requests(requests);
    pace.wait();
  }
}

// Asks the allocator to give free pages back to the kernel. glibc alone keeps those at the heap's end up to a
// threshold, which is 64 MB after a program has freed one block of 32 MB.
inline void return_free_pages() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

// The kernel's high-water mark of the resident set since the process began, in bytes.
inline std::size_t max_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

// The resident set now, in bytes; 0 when /proc cannot be read.
inline std::size_t rss_bytes() {
  std::size_t total = 0;
  std::size_t resident = 0;
  if (std::FILE* statm = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(statm, "%zu %zu", &total, &resident) != 2) resident = 0;
    std::fclose(statm);
  }
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace demo

// The four strategies for results that are wanted again and again: keep each that was asked for, make each anew, make
// those that are asked for, make all at once. Memory is paid for with time or the other way round.

#include <ctime>
#include <string>

#include "cases.h"

namespace cases {

namespace {

constexpr int kRounds = 32;

// A result is a text of 2,300 characters, made from shorter ones that go at once; a part is 50 results.
constexpr std::string_view kCompute = R"(
  defi compute(i) =>
    let text = "result of " + str(i + 100000)
    for doubling in range(7)
      change text to text + "; " + text
    end
    text
  end
  defi compute_part(part) =>
    let results = []
    for i in range(part * 50, part * 50 + 50)
      append(results, compute(i))
    end
    results
  end
  let total = 0
)";

struct Strategy {
  std::string_view name;
  const char* documents;  // their memory and speed
  std::string_view prepare;
  std::string_view round;
};

constexpr Strategy kStrategies[] = {
    {"caching", "high, fast", R"(
      use dicts
      let cache = {}
      defi cached(i) =>
        if not has_key(cache, i)
          put(cache, i, compute(i))
        end
        cache[i]
      end
    )",
     R"(
      for i in range(results)
        change total to total + len(cached(i))
      end
    )"},
    {"streaming", "low, slower", "", R"(
      for i in range(results)
        change total to total + len(compute(i))
      end
    )"},
    {"lazy", "low, medium", R"(
      use dicts
      let parts = {}
      defi part(n) =>
        if not has_key(parts, n)
          put(parts, n, compute_part(n))
        end
        parts[n]
      end
    )",
     R"(
      for n in range(results / 500)
        for result in part(n * 10)
          change total to total + len(result)
        end
      end
    )"},
    {"eager", "high, fast", R"(
      let all = []
      for i in range(results)
        append(all, compute(i))
      end
    )",
     R"(
      for result in all
        change total to total + len(result)
      end
    )"},
};

void run_strategy(const Options& options, double seconds, const Strategy& strategy) {
  Options quarter = options;
  quarter.seconds = seconds;
  // The short strings of the numbers would be a cache of their own.
  tombo::Interpreter::Options few_strings = kUsedLibraries;
  few_strings.short_strings = 256;
  start(quarter, few_strings);
  interpreter->run(kCompute);
  // Whole parts of the lazy strategy, and whole tens of parts.
  set("results", (options.scaled(2500) + 499) / 500 * 500);
  work(seconds / 8, kRounds / 4, options.scaled(kRequests));
  const std::string name(strategy.name);
  const std::size_t before = mark((name + ": before").c_str()).bytes;
  tombo::memory_use.peak_bytes = before;

  const std::clock_t begin = std::clock();
  interpreter->run(strategy.prepare);
  interpreter->run(strategy.round);
  const double first = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  mark((name + ": first round").c_str());
  const std::clock_t rest = std::clock();
  for (int round = 1; round < 4; ++round) interpreter->run(strategy.round);
  const double later = static_cast<double>(std::clock() - rest) / CLOCKS_PER_SEC / 3;

  work(seconds * 3 / 4, kRounds, options.scaled(kRequests), strategy.round);
  const tombo::MemoryUse after = mark((name + ": last round").c_str());
  std::printf("%-10s peak %8.3f MB   live %8.3f MB   first round %7.2f ms   later %7.2f ms   (documents: %s)\n",
              name.c_str(), megabytes(static_cast<double>(after.peak_bytes - before)),
              megabytes(static_cast<double>(after.bytes - before)), first * 1000, later * 1000, strategy.documents);
}

}  // namespace

void run_strategies(const Options& options) {
  const bool all = options.strategy.empty();
  bool found = false;
  for (const Strategy& strategy : kStrategies) {
    if (!all && options.strategy != strategy.name) continue;
    found = true;
    run_strategy(options, all ? options.seconds / 4 : options.seconds, strategy);
    if (!all) continue;
    interpreter.reset();
    demo::return_free_pages();
  }
  if (!found) {
    std::fprintf(stderr, "the strategies are caching, streaming, lazy and eager\n");
    std::exit(2);
  }
}

}  // namespace cases

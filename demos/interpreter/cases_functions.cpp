// Cases of functions: scopes that end, closures, recursion, and structures that hold themselves.

#include <string>

#include "cases.h"

namespace cases {

namespace {

constexpr int kRounds = 160;

// Rounds with a mark at each quarter of them.
void work_in_quarters(const Options& options, int rounds, std::string_view program) {
  for (int quarter = 1; quarter <= 4; ++quarter) {
    work(options.seconds * 7 / 32, rounds / 4, options.scaled(kRequests), program);
    mark(("after round " + std::to_string(quarter * rounds / 4)).c_str());
  }
}

}  // namespace

void run_scopes(const Options& options) {
  start(options, kUsedLibraries);
  interpreter->run(R"(
    defi process_data(items) =>
      let total = 0
      let doubled = []
      for item in items
        append(doubled, item * 2)
        change total to total + item
      end
      total
    end

    # Each scope's variables go when it returns, also those that the scopes inside took with them.
    defi outer(name) =>
      let prefix = name + ", whose variable the inner ones use"
      defi inner(number) =>
        let text = prefix + " in the inner scope, number " + str(number)
        defi innermost(more) => len(text) + more
        innermost(number)
      end
      let total = 0
      for i in range(20)
        change total to total + inner(i)
      end
      total
    end

    let data = []
    for i in range(1000)
      append(data, i)
    end
    let calls = 0
  )");
  set("calls", options.scaled(10));
  work_in_quarters(options, kRounds, R"(
    for call in range(calls)
      process_data(data)
      outer("the outer scope")
    end
  )");
}

void run_closures_in_loop(const Options& options) {
  start(options, kUsedLibraries);
  interpreter->run(R"(
    defi make_processor(i) =>
      defi processor(x) => x * i
      processor
    end
    let processors = []
  )");
  if (!options.stored) {
    set("loops", options.scaled(5));
    work_in_quarters(options, kRounds, R"(
      for loop in range(loops)
        for i in range(100)
          let processor = make_processor(i)
          processor(2)
        end
      end
    )");
    return;
  }
  work(options.seconds / 8, kRounds / 8, options.scaled(kRequests));
  set("loops", options.scaled(100));
  const std::size_t before = mark("before the loops").bytes;
  interpreter->run(R"(
    for loop in range(loops)
      for i in range(100)
        append(processors, make_processor(i))
      end
    end
  )");
  const std::size_t stored = mark("functions stored").bytes - before;
  const std::size_t functions = options.scaled(100) * 100;
  std::printf("%zu functions stored: %.2f KB each\n", functions,
              kilobytes(static_cast<double>(stored) / static_cast<double>(functions)));
  work(options.seconds * 3 / 4, kRounds * 7 / 8, options.scaled(kRequests), R"(
    for loop in range(loops)
      processors[loop * 100 + 1](2)
    end
  )");
  mark("functions used");
}

void run_self_reference(const Options& options) {
  constexpr int kCollections = 60;
  if (options.collect) tombo::collector.switch_on();
  start(options, kUsedLibraries);
  interpreter->run(R"(
    use dicts
    defi make_structure(number) =>
      let self_ref = {"value": number, "name": "structure " + str(number) + " of those that hold themselves"}
      let parts = [self_ref]
      put(self_ref, "child", {"parent": self_ref, "parts": parts})
      None
    end
    let loop = 0
    let structures = 0
  )");
  const std::size_t structures = options.scaled(1000);
  set("structures", structures);
  // The short strings that it makes are there before anything is counted.
  interpreter->run("for loop in range(100)\n  \"structure \" + str(loop)\nend");

  const tombo::MemoryUse before = mark("before the rounds");
  set("requests", options.scaled(kRequests));

  const std::size_t collected_before = tombo::collector.collected();
  demo::Pace pace(options.seconds * 7 / 8, kCollections);
  for (int round = 1; round <= kCollections; ++round) {
    interpreter->run("for loop in range(structures)\n  make_structure(loop % 100)\nend");
    interpreter->run("handle_requests(requests)");
    if (options.collect) tombo::collector.collect();
    if (round % 10 == 0) mark(("after round " + std::to_string(round)).c_str());
    pace.wait();
  }
  const std::size_t collected = tombo::collector.collected() - collected_before;
  const std::size_t garbage = structures * kCollections * 3;
  std::printf("garbage collection: %zu objects of %zu, %.0f%%\n", collected, garbage,
              100 * static_cast<double>(collected) / static_cast<double>(garbage));
  demo::print_tally("lost", {tombo::memory_use.blocks - before.blocks, tombo::memory_use.bytes - before.bytes});
  mark("after the last round");
}

void run_recursion(const Options& options) {
  tombo::Interpreter::Options with_limit = kUsedLibraries;
  with_limit.recursion_limit = options.depth;
  start(options, with_limit);
  interpreter->run(R"(
    defi descend(n) =>
      let local = "the local variable of frame " + str(n)
      if n <= 1
        1
      else
        1 + descend(n - 1)
      end
    end
  )");
  set("depth", options.depth);
  try {
    interpreter->run("descend(depth + 1)");
  } catch (const tombo::Error& error) {
    std::printf("error: %s\n", error.what());
  }
  mark("after the error");
  // Few: a recorder has to look at each of the stacks.
  set("times", options.scaled(1));
  work_in_quarters(options, 40, "for time in range(times)\n  descend(depth)\nend");
  std::printf("depth %zu: stack of %zu bytes\n", options.depth, interpreter->peak_stack_bytes());
}

}  // namespace cases

// Cases of data: what the library, the items of a program and a session take, and what letting go gives back.

#include <string>

#include "cases.h"

namespace cases {

namespace {

constexpr int kRounds = 160;

// `count` lines of about 50 characters, each with its number.
constexpr std::string_view kMakeData = R"(
  defi make_data(count) =>
    let lines = []
    for i in range(count)
      append(lines, "record " + str(i) + " of the data that a program has loaded")
    end
    lines
  end
)";

struct Cost {
  const char* what;
  std::size_t count;
  std::size_t bytes;
  const char* documents;
};

void print_cost(const Cost& cost) {
  const double each = static_cast<double>(cost.bytes) / static_cast<double>(cost.count);
  std::printf("%-28s %6zu %10zu bytes %10.2f each = %.4f KB (documents: %s)\n", cost.what, cost.count, cost.bytes, each,
              kilobytes(each), cost.documents);
}

// The pattern with the number in the place of each '@'.
std::string with_number(std::string_view pattern, std::size_t number) {
  std::string text;
  for (const char character : pattern) {
    if (character == '@') {
      text += std::to_string(number);
    } else {
      text += character;
    }
  }
  return text;
}

// One line of a program for each of `count`.
std::string lines(std::size_t count, std::string_view pattern) {
  std::string program;
  for (std::size_t i = 0; i < count; ++i) {
    program += with_number(pattern, i);
    program += '\n';
  }
  return program;
}

std::size_t cost_of(const char* what, std::string_view program) {
  const std::size_t before = mark((std::string("before ") + what).c_str()).bytes;
  interpreter->run(program);
  return mark((std::string("after ") + what).c_str()).bytes - before;
}

}  // namespace

void run_startup(const Options& options) {
  const std::size_t nothing = tombo::memory_use.bytes;
  interpreter.emplace(kUsedLibraries);
  const std::size_t builtins = mark("builtins registered").bytes;
  interpreter->load_library();
  const std::size_t loaded = mark("library loaded").bytes;
  const std::size_t functions = interpreter->library().functions();
  std::printf("builtins and environments %.2f KB, %zu functions in %zu libraries, base %.2f MB\n",
              kilobytes(static_cast<double>(builtins - nothing)), functions, interpreter->library().libraries(),
              megabytes(static_cast<double>(loaded - nothing)));
  print_cost({"library function", functions, loaded - builtins, "19.30 KB"});

  start(options, kWholeLibrary);
  work(options.seconds * 7 / 8, kRounds, options.scaled(kRequests));
  mark("statements run");
}

void run_items(const Options& options) {
  start(options, kWholeLibrary);
  interpreter->run("use text\nlet biglist = None\nlet i = 0");
  const std::size_t items = options.scaled(1000);
  const std::size_t definitions = options.scaled(100);
  set("items", items);

  // Once before, so that the list alone is counted and not the names of this program.
  const char* const list = "change biglist to []\nfor i in range(items)\n  append(biglist, i * 2)\nend";
  interpreter->run(list);
  interpreter->run("change biglist to None");
  print_cost({"list item", items, cost_of("the list", list), "0.0086 KB"});

  print_cost({"function definition", definitions,
              cost_of("the functions", lines(definitions, "defi double_@(x) => x * 2")), "2.18 KB"});

  // The operation with all it needs while it runs: the statement as text, tokens and tree, the string before and after,
  // and its variable.
  std::string line = "let transformed_text_@ = upper(lower(\"";
  line.append(100, 'x');
  line += "\"))";
  std::string program = lines(definitions, line);
  program += "mark(\"the strings with their temporaries\")";
  const std::size_t before = mark("before the strings").bytes;
  interpreter->run(program);
  const std::size_t peak = last_marked.bytes;
  const std::size_t after = mark("after the strings").bytes;
  print_cost({"100-character string", definitions, peak - before, "2.96 KB"});
  print_cost({"  of that kept", definitions, after - before, "freed at once"});

  print_cost({"variable binding", items, cost_of("the bindings", lines(items, "let variable_@ = @")), "~0.1 KB"});

  work(options.seconds * 7 / 8, kRounds, options.scaled(kRequests));
  mark("statements run");
}

void run_reassign(const Options& options) {
  start(options, kUsedLibraries);
  interpreter->run(kMakeData);
  interpreter->run("use text\nuse search");
  set("count", options.scaled(200'000));
  set("times", options.scaled(100'000));
  const std::size_t before = mark("before").bytes;

  interpreter->run(R"(
    let data = make_data(count)
    let content = repeat("One line of the file that was read at once.\n", times)
    let processed = upper(content)
  )");
  const std::size_t loaded = mark("data made").bytes;
  work(options.seconds * 3 / 8, kRounds / 2, options.scaled(kRequests), "len(data[count - 1]) + len(processed)");

  interpreter->run("change data to None\nchange content to None");
  mark("data changed to None");
  interpreter->run("change processed to None");
  const std::size_t after = mark("processed changed to None").bytes;
  demo::return_free_pages();
  std::printf("before %zu, with the data %zu, after %zu bytes\n", before, loaded, after);
  work(options.seconds / 2, kRounds / 2, options.scaled(kRequests));
  mark("statements run");
}

void run_repl(const Options& options) {
  constexpr int kInputs = 96;
  constexpr std::size_t kReset = 64;
  start(options, kWholeLibrary);
  const std::size_t started = tombo::memory_use.bytes;
  const std::string make_report = R"(
    use text
    use search
    defi make_report(number, lines) =>
      let report = [upper("the report of this input")]
      for i in range(lines)
        append(report, repeat("value " + str(i) + " of input " + str(number) + "; ", 10))
      end
      report
    end
  )";
  interpreter->input(make_report);
  set("lines", options.scaled(1000));

  demo::Pace pace(options.seconds * 7 / 8, kInputs);
  bool is_fresh = false;
  for (std::size_t input = 1; input <= kInputs; ++input) {
    if (is_fresh) {  // what the session needs it asks for, and keeps nothing
      interpreter->input(with_number("len(make_report(@, lines))", input));
    } else {
      interpreter->input(with_number("defi line_@(n) => result_@[n]", input));
      interpreter->input(with_number("let result_@ = make_report(@, lines)", input));
      interpreter->input(with_number("line_@(0)", input));
    }
    if (input % 8 == 0 || options.reset) mark(with_number("input @", input).c_str());
    if (options.reset && input == kReset) {
      interpreter->input(":reset");
      demo::return_free_pages();
      const std::size_t reset = mark("reset").bytes;
      std::printf("started with %zu bytes, reset to %zu\n", started, reset);
      interpreter->input(make_report);
      set("lines", options.scaled(1000));
      is_fresh = true;
    }
    pace.wait();
  }
  mark("end of the session");
}

void run_interning(const Options& options) {
  tombo::Interpreter::Options with_bound = kUsedLibraries;
  with_bound.short_strings = options.scaled(60'000);
  start(options, with_bound);
  set("each", options.scaled(1500));
  set("next", 0);
  demo::Pace pace(options.seconds * 7 / 8, kRounds);
  for (int round = 1; round <= kRounds; ++round) {
    interpreter->run(R"(
      for i in range(next, next + each)
        "key " + str(i)
      end
      change next to next + each
    )");
    if (round % 20 == 0) mark(("round " + std::to_string(round)).c_str());
    pace.wait();
  }
  std::printf("%zu short strings kept of %zu\n", interpreter->short_strings(), options.scaled(1500) * kRounds * 2);
  mark("keys made");
}

void run_destroy(const Options& options) {
  start(options, kWholeLibrary);
  interpreter->run(kMakeData);
  set("count", options.scaled(100'000));
  interpreter->run("let data = make_data(count)");
  mark("data made");
  work(options.seconds * 3 / 8, kRounds / 2, options.scaled(kRequests), "len(data)");
  mark("before the interpreter is destroyed");

  interpreter.reset();
  mark("interpreter destroyed");
  demo::return_free_pages();
  demo::work(options.seconds / 2, kRounds / 2, options.scaled(5000));
  mark("after other work");
}

}  // namespace cases

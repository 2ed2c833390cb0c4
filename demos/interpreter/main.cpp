// An interpreter of the documents' language. `run FILE` runs a program; the cases, each of which prints what the
// interpreter counts itself at each mark, and their verdicts are:
//
//   startup        retained-by-design / startup
//                  308 functions in 35 libraries are loaded before anything is run, and stay: 6,090,364 bytes, 19.31 KB
//                  each (documents: 19.30 KB); with all else 5.81 MB (5.9 MB)
//   items          retained-by-design / startup, and between two marks what one item takes:
//                    list item             8.86 bytes = 0.0086 KB  (documents: 0.0086 KB, "8.6 bytes")
//                    function definition   2,228 bytes = 2.18 KB   (2.18 KB)
//                    100-character string  3,029 bytes = 2.96 KB   (2.96 KB, with its temporaries; 397 bytes are kept)
//                    variable binding      113 bytes = 0.11 KB     (~0.1 KB)
//   scopes         no-growth / churn
//                  locals and nested closures go when the function returns: after each quarter of 160 rounds the same
//                  822 blocks, 81,728 bytes
//   reassign       no-growth / released
//                  405,113 blocks, 32,634,766 bytes; `change data to None` leaves 5,121,763 bytes, the next one 721,706
//   repl           true-leak / unbounded-retention, or undecided
//                  each of 96 inputs leaves a result and a function behind: from 6,152,654 bytes to 34,765,801
//   repl --reset   no-growth / released
//                  `:reset` after 64 inputs: from 25,242,985 bytes to 6,094,601, exactly what there was when the
//                  library was loaded; the other inputs keep nothing
//   closures_in_loop            no-growth / churn
//                  100 functions are made in a loop, 800 times; each goes with the next
//   closures_in_loop --stored   retained-by-design / working-set
//                  10,000 functions with their closures, in one burst: 17,430,794 bytes, 1.70 KB each
//   self_reference              true-leak / unreachable-cycle
//                  60 rounds of 1000 structures of 3 objects (dict, dict, list) that hold themselves: nothing leads to
//                  480,000 blocks, 40,494,000 bytes
//   self_reference --collect    no-growth / released
//                  the collector finds 180,000 objects of 180,000, 100% (documents: 3 objects, 100%)
//   recursion      no-growth / churn
//                  1000 calls deep (--depth), the documents' limit, and an error beyond it. The machine's stack takes
//                  1.3 MB for that (2.6 MB without optimization) and keeps the pages: the stacks' row of the ledger
//   interning      retained-by-design / bounded-cache
//                  of 480,000 short strings the table keeps the latest 60,000; from the first eighth of the rounds on
//                  the same 60,093 blocks, 4,679,418 bytes
//   destroy        no-growth / released
//                  216,651 blocks, 17,903,527 bytes; none after the interpreter is destroyed
//   strategies caching     retained-by-design / working-set   peak 5.91 MB, at the end 5.88 MB  (high, fast)
//   strategies streaming   no-growth / churn                  peak 0.03 MB, at the end 0 MB     (low, slower)
//   strategies lazy        retained-by-design / working-set   peak 0.76 MB, at the end 0.73 MB  (low, medium)
//   strategies eager       retained-by-design / working-set   peak 5.68 MB, at the end 5.64 MB  (high, fast)
//   strategies     no-growth / released, or retained-by-design / episodic
//                  the four, one after the other, and what each took side by side
//
// Verdicts are of the whole process. What the interpreter has is held by the global `cases::interpreter`. startup,
// items, repl and destroy load all libraries, as the documents' interpreter does, the others only those that they use,
// so that 5.9 MB of start-up do not hide what they do. --scale is of what the programs make, not of the library.
// MB and KB are of 1024; bytes are the interpreter's. The process has 72,704 for the C++ runtime's emergency pool, and
// a few thousand for standard output and the texts of the programs, besides.

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "cases.h"

namespace {

struct Case {
  const char* name;
  void (*run)(const cases::Options&);
};
constexpr Case kCases[] = {
    {"startup", cases::run_startup},
    {"items", cases::run_items},
    {"scopes", cases::run_scopes},
    {"reassign", cases::run_reassign},
    {"repl", cases::run_repl},
    {"closures_in_loop", cases::run_closures_in_loop},
    {"self_reference", cases::run_self_reference},
    {"recursion", cases::run_recursion},
    {"interning", cases::run_interning},
    {"destroy", cases::run_destroy},
    {"strategies", cases::run_strategies},
};

[[noreturn]] void print_usage(const char* program) {
  std::fprintf(stderr,
               "usage: %s run FILE\n       %s CASE [--scale FACTOR] [--seconds SECONDS], where CASE is one of\n",
               program, program);
  for (const Case& known : kCases) std::fprintf(stderr, "         %s\n", known.name);
  std::exit(2);
}

void run_file(const char* path) {
  std::ifstream file(path);
  const std::string program{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw tombo::Error(std::string("cannot read ") + path);
  cases::interpreter.emplace(cases::kWholeLibrary);
  cases::interpreter->run(program);
}

void run_case(int argc, char** argv) {
  cases::Options options;
  options.reset = demo::take_flag(argc, argv, "--reset");
  options.stored = demo::take_flag(argc, argv, "--stored");
  options.collect = demo::take_flag(argc, argv, "--collect");
  options.depth = demo::take_number(argc, argv, "--depth", options.depth);
  if (argc < 2) print_usage(argv[0]);
  const std::string_view name = argv[1];
  demo::take_flag(argc, argv, argv[1]);
  if (name == "strategies" && argc > 1 && argv[1][0] != '-') {
    options.strategy = argv[1];
    demo::take_flag(argc, argv, argv[1]);
  }
  for (const Case& known : kCases) {
    if (name != known.name) continue;
    static_cast<demo::Options&>(options) = demo::parse_options(argc, argv);
    known.run(options);
    return;
  }
  print_usage(argv[0]);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string_view(argv[1]) == "run") {
      run_file(argv[2]);
    } else {
      run_case(argc, argv);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

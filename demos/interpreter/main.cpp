// An interpreter of the documents' language, whose cases are its first argument. Reference counts free what programs
// let go of; a collector of cycles can be switched on. Each case prints what the interpreter counts itself at each
// mark.
//
//   startup             retained-by-design / startup. 308 functions in 35 libraries are loaded before anything is run,
//                       and stay: 6,089,440 bytes, 19.31 KB each (documents: 19.30 KB, base of 5.9 MB; ours 5.81 MB)
//   items               retained-by-design / startup, and between two marks what one item takes:
//                         list item            8.86 bytes (8,856 for 1000)  documents: 0.0086 KB, "8.6 bytes"
//                         function definition  2,228 bytes = 2.18 KB        documents: 2.18 KB
//                         100-character string 3,029 bytes = 2.96 KB        documents: 2.96 KB, temporaries included;
//                                              397 of them are kept
//                         variable binding     113 bytes = 0.11 KB          documents: ~0.1 KB
//   scopes              no-growth / churn. Locals and nested closures go when the function returns: after each quarter
//                       of 160 rounds the same 822 blocks, 81,728 bytes
//   reassign            no-growth / released. 405,113 blocks, 32.6 MB; `change data to None` leaves 5,109 blocks,
//                       5.1 MB, and the last of them, one string of 4.4 MB, goes with its variable: 0.7 MB
//   repl                true-leak / unbounded-retention, or undecided. Each of 96 inputs leaves a result and a function
//                       behind: 6.2 MB at the start, 34.8 MB at the end
//   repl --reset        no-growth / released. `:reset` after 64 inputs: from 25.2 MB to 6,093,677 bytes, exactly what
//                       was there when the library was loaded; the other 32 inputs keep nothing
//   closures_in_loop    no-growth / churn. 100 functions are made in a loop, 800 times; each goes with the next
//   closures_in_loop --stored
//                       retained-by-design / working-set. 10,000 functions of 1.70 KB with their closures, in one burst
//   self_reference      true-leak / unreachable-cycle. 60 rounds of 1000 structures of 3 objects (dict, list, dict)
//   that
//                       hold themselves: 480,000 blocks, 40,494,000 bytes, which nothing leads to
//   self_reference --collect
//                       no-growth / released. The collector finds 180,000 objects of 180,000: 100% (documents: 3
//                       objects, 100%)
//   recursion           no-growth / churn. 1000 calls deep (--depth), the documents' limit, and an error beyond it; the
//                       machine's stack takes 1.3 MB for that (2.6 MB without optimization) and keeps the pages: the
//                       stacks' row of the ledger
//   interning           retained-by-design / bounded-cache. 480,000 short strings are made, of which the table keeps
//   the
//                       last 60,000; after the first eighth of the rounds the same 60,093 blocks, 4,679,418 bytes
//   destroy             no-growth / released. 216,651 blocks, 17.9 MB; none after the interpreter is destroyed
//   strategies caching  retained-by-design / working-set   peak 5.8 MB, at the end 5.8 MB; fast     documents: high,
//   fast strategies streaming  no-growth / churn                peak 0.03 MB, at the end 0; slow         low, slower
//   strategies lazy     retained-by-design / working-set   peak 0.7 MB, at the end 0.7 MB; between  low, medium
//   strategies eager    retained-by-design / working-set   peak 5.7 MB, at the end 5.7 MB; fast     high, fast
//   strategies          no-growth / released, or retained-by-design / episodic: the four, one after the other, and what
//                       each took side by side
//
// Verdicts are of the whole process. What the interpreter has is held by the global `cases::interpreter`. startup,
// items, repl and destroy load all libraries, as the documents' interpreter does, the others only those that they use,
// so that 5.9 MB of start-up do not hide what they do. --scale is of what the programs make, not of the library.
// Bytes are those of the interpreter; the process has 72,704 for the C++ runtime's emergency pool and a few thousand
// for standard output and the texts of the programs besides.

#include <cstdio>

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
  std::fprintf(stderr, "usage: %s CASE [--scale FACTOR] [--seconds SECONDS], where CASE is one of\n", program);
  for (const Case& known : kCases) std::fprintf(stderr, "  %s\n", known.name);
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
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
  static_cast<demo::Options&>(options) = demo::parse_options(argc, argv);
  for (const Case& known : kCases) {
    if (name != known.name) continue;
    try {
      known.run(options);
      return 0;
    } catch (const tombo::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 1;
    }
  }
  print_usage(argv[0]);
}

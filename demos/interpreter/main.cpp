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

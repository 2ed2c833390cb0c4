// The cases: programs of the interpreter's language, and what is said about their memory. main.cpp has the verdicts.
#pragma once

#include <optional>
#include <string_view>

#include "demo.h"
#include "interpreter.h"

namespace cases {

struct Options : demo::Options {
  std::string_view strategy;  // empty: all
  bool reset = false;
  bool stored = false;
  bool collect = false;
  std::size_t depth = 1000;
};

void run_startup(const Options& options);
void run_items(const Options& options);
void run_scopes(const Options& options);
void run_reassign(const Options& options);
void run_repl(const Options& options);
void run_closures_in_loop(const Options& options);
void run_self_reference(const Options& options);
void run_recursion(const Options& options);
void run_interning(const Options& options);
void run_destroy(const Options& options);
void run_strategies(const Options& options);

// The one interpreter of the program, for as long as the program wants it.
extern std::optional<tombo::Interpreter> interpreter;

// Makes it, where there is none yet, with the function that all cases call, and lets it work for a while.
void start(const Options& options, const tombo::Interpreter::Options& interpreter_options);
inline constexpr tombo::Interpreter::Options kWholeLibrary{};
inline constexpr tombo::Interpreter::Options kUsedLibraries{.load_library = false};

// Rounds of ordinary work of the interpreter, of which each runs `program` as well.
void work(double seconds, int rounds, std::size_t requests, std::string_view program = {});
inline constexpr std::size_t kRequests = 300;  // in one round

// Names this moment and prints how much the interpreter has, by its own account; returns it.
tombo::MemoryUse mark(const char* moment);
// What it returned last; a program's mark("moment") is one as well.
extern tombo::MemoryUse last_marked;

// A number that programs can use by that name.
void set(std::string_view name, std::size_t number);

inline double kilobytes(double bytes) { return bytes / 1024; }
inline double megabytes(double bytes) { return bytes / (1024 * 1024); }

}  // namespace cases

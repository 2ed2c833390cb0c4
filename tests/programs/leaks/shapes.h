// The shapes that leak checkers are tested with. Each is there twice: a leaking twin, and a fixed one that differs in
// nothing but that the blocks are held when main returns (or freed, where holding is not what the shape is about).
//
// A shape must be the same at -O0 and -O2: no copy of a pointer may stay behind by accident in a register or in a dead
// frame. So blocks are made in functions that are never inlined, what a shape lets go of passes through forget(), and
// scrub() clears the stack below its caller afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace leaks {

// kEither: a block that points at itself, a cycle behind a head that is no part of it.
enum class Kind { kPlain, kCycle, kEither };

struct Shape {
  const char* name;
  void (*leak)();
  void (*fixed)();
  std::size_t blocks;  // lost by the leaking twin, in all processes together; the fixed one loses none
  std::size_t bytes;
  Kind kind = Kind::kPlain;
  // Why memcheck counts otherwise: it cannot know, or has rules of its own. Null: it counts the same in both twins.
  const char* memcheck = nullptr;
};

// By file: plain.cpp, types.cpp, holders.cpp, hidden.cpp, threads.cpp, processes.cpp.
std::span<const Shape> plain_shapes();
std::span<const Shape> type_shapes();
std::span<const Shape> holder_shapes();
std::span<const Shape> hidden_shapes();
std::span<const Shape> thread_shapes();
std::span<const Shape> process_shapes();

// A block of malloc, filled with bytes that are no pointers. Ends the program when there is none.
[[nodiscard]] void* take(std::size_t bytes);

// What holds blocks in fixed twins.
extern void* volatile held;
extern void* volatile held_many[128];

// The caller's pointer goes nowhere.
void forget(void* pointer);

// Zeroes the stack below the caller (64 KiB, more than any shape uses) and the registers that calls may change.
void scrub();

// To be called when the process is about to end: under memcheck, asks it what is lost now.
void before_end();

// The blocks that a shape's builder made, lost or held. The builder returns the pointer that holds them all.
template <void* (*Build)()>
void lose() {
  forget(Build());
}

template <void* (*Build)()>
void hold() {
  held = Build();
}

}  // namespace leaks

// Call stacks as plain data. Part of the report (report.h); the same conventions hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::model {

// One frame of a stack, innermost first in its stack. Empty texts and line 0 mean "not known".
struct Frame {
  std::string function;
  std::string file;
  uint32_t line = 0;
  std::string module;   // path, empty when the code belongs to no known module
  uint64_t offset = 0;  // of the frame's instruction in its module's file addresses; the address itself without module
  bool inlined = false;
};

// Frames are shared between stacks: a stack holds indexes into Report::frames.
struct Stack {
  std::vector<uint32_t> frames;
  bool cut = false;  // could not be followed to its outermost frame
};

}  // namespace tidemark::model

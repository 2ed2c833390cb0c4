// Class names of stripped programs: a vtable is preceded by a pointer to the class's type information, which points to
// the mangled name. In files these pointers are relocations. 16 bytes per relocation. Not thread-safe.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::symbols {

class VtableReader {
 public:
  // `elf` must outlive this; `bias` as libdwfl has it.
  VtableReader(Elf* elf, uint64_t bias);

  // The demangled class of the vtable that a pointer in an object points into; nothing if there is none.
  std::optional<std::string> class_at(uint64_t address) const;

 private:
  struct Relocation {
    uint64_t address, value;
  };
  struct Segment {
    uint64_t start, bytes, offset;
  };

  // The word at an address as it is after relocation, without the load bias.
  std::optional<uint64_t> word(uint64_t address) const;
  // The bytes of the file from an address to its segment's end.
  const char* bytes_at(uint64_t address, uint64_t& count) const;

  const char* file_ = nullptr;
  uint64_t file_bytes_ = 0;
  uint64_t bias_;
  std::vector<Segment> segments_;
  std::vector<Relocation> relocations_;  // those relative to the load address; by address
};

}  // namespace tidemark::symbols

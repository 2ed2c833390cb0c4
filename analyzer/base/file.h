// A file descriptor that closes itself, and reads that are whole or say why not. Files are read with pread, never
// mapped: a trace may be trimmed by its recorder while it is being read, and a mapped page that vanishes is a SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "analyzer/base/result.h"

namespace tidemark {

class File {
 public:
  File() = default;
  explicit File(int descriptor) noexcept : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~File();

  // Opens a regular file (a FIFO or device would block or lie about its size). `flags` as for open(2).
  static Result<File> open_regular(const std::string& path, int flags);

  int descriptor() const noexcept { return descriptor_; }
  bool is_open() const noexcept { return descriptor_ >= 0; }

  Result<uint64_t> size() const;

  // Reads up to `bytes` at `offset`; fewer only at the end of the file.
  Result<size_t> read_at(uint64_t offset, void* to, size_t bytes) const;
  // Writes all of `bytes` at `offset`.
  Status write_at(uint64_t offset, const void* from, size_t bytes) const;

 private:
  int descriptor_ = -1;
};

// The text of an errno value.
std::string error_text(int error);

// Reads a small file of unknown size (such as those of /proc) up to `limit` bytes; empty when it cannot be read.
std::string read_small_file(const std::string& path, size_t limit = 1 << 20);

}  // namespace tidemark

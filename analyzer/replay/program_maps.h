// The mappings that the program made itself (mmap), as disjoint ranges: an unmap may take a part of one, or of several.
// Counted apart from blocks. Memory: one entry per range that is mapped at the moment. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>

namespace tidemark::replay {

class ProgramMaps {
 public:
  explicit ProgramMaps(uint64_t page_bytes) noexcept : page_bytes_(page_bytes) {}

  void map(uint64_t address, uint64_t size);
  void unmap(uint64_t address, uint64_t size);
  void remap(uint64_t old_address, uint64_t old_size, uint64_t new_address, uint64_t new_size);

  uint64_t count() const noexcept { return count_; }  // mappings ever made
  uint64_t live_bytes() const noexcept { return live_bytes_; }

 private:
  struct Range {
    uint64_t begin, end;
  };
  Range whole_pages(uint64_t address, uint64_t size) const noexcept;
  void erase(Range range);
  void insert(Range range);

  uint64_t page_bytes_;
  std::map<uint64_t, uint64_t> ranges_;  // begin -> end
  uint64_t live_bytes_ = 0;
  uint64_t count_ = 0;
};

}  // namespace tidemark::replay

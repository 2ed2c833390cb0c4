// The mappings that the program made itself (mmap), as disjoint ranges: an unmap may take a part of one, or of several.
// Counted apart from blocks. Memory: one entry per range that is mapped at the moment. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>

namespace tidemark::replay {

// What is known of a mapping since it was made; its protection may have changed.
struct MappingTraits {
  uint64_t protection = 0, flags = 0;  // as mmap takes them
  uint32_t node = 0;                   // of the call tree: who mapped it
};

class ProgramMaps {
 public:
  explicit ProgramMaps(uint64_t page_bytes) noexcept : page_bytes_(page_bytes) {}

  void map(uint64_t address, uint64_t size, MappingTraits traits = {});
  void unmap(uint64_t address, uint64_t size);
  void remap(uint64_t old_address, uint64_t old_size, uint64_t new_address, uint64_t new_size);

  uint64_t count() const noexcept { return count_; }  // mappings ever made
  uint64_t live_bytes() const noexcept { return live_bytes_; }

  // visit(begin, end, traits) for every range, by address.
  template <class Visitor>
  void for_each(Visitor visit) const {
    for (const auto& [begin, mapping] : ranges_) visit(begin, mapping.end, mapping.traits);
  }

 private:
  struct Range {
    uint64_t begin, end;
  };
  struct Mapping {
    uint64_t end;
    MappingTraits traits;
  };
  Range whole_pages(uint64_t address, uint64_t size) const noexcept;
  // Answers what the first range that it met was.
  MappingTraits erase(Range range);
  void insert(Range range, MappingTraits traits);

  uint64_t page_bytes_;
  std::map<uint64_t, Mapping> ranges_;  // by begin
  uint64_t live_bytes_ = 0;
  uint64_t count_ = 0;
};

}  // namespace tidemark::replay

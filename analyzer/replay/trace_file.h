// An open trace: its header, checked, and where its chunks lie. What the file says is not believed: every length and
// offset is checked against the file's real size, damage is skipped and noted, and nothing is allocated in proportion
// to a number that the file merely claims. Memory: 24 bytes per chunk (a chunk is 4 KiB to 1 MiB).
//
// A trace may still grow while it is open: what is read is what was there when it was opened.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analyzer/base/file.h"
#include "analyzer/base/result.h"
#include "trace/format.h"

namespace tidemark::replay {

struct ChunkPlace {
  uint64_t offset;
  uint64_t base_time;
  uint32_t bytes;  // readable, which a cut file makes less than the header says
  uint32_t sequence;
};

struct StreamPlace {
  uint32_t stream;
  std::vector<ChunkPlace> chunks;  // in sequence
};

class TraceFile {
 public:
  static Result<TraceFile> open(const std::string& path);

  const std::string& path() const noexcept { return path_; }
  const trace::FileHeader& header() const noexcept { return header_; }
  // A text of the header; empty when it lies outside.
  std::string text(trace::StringRef where) const;
  // The streams of events.
  const std::vector<StreamPlace>& streams() const noexcept { return streams_; }
  // The streams of pictures of the heap (picture.h): they hold no events.
  const std::vector<StreamPlace>& pictures() const noexcept { return pictures_; }
  // Bytes of the file that belong to the trace.
  uint64_t bytes() const noexcept { return end_; }
  // What is damaged or cut, one sentence each, with byte offsets.
  const std::vector<std::string>& damage() const noexcept { return damage_; }

  // Reads a whole chunk to `to` (at least place.bytes); false when the file no longer holds it.
  [[nodiscard]] bool read(const ChunkPlace& place, uint8_t* to) const;

 private:
  Status read_header();
  void index_chunks();
  uint64_t skip_unused(uint64_t offset) const;

  std::string path_;
  File file_;
  trace::FileHeader header_{};
  std::string header_bytes_;
  uint64_t end_ = 0;
  std::vector<StreamPlace> streams_, pictures_;
  std::vector<std::string> damage_;
};

// Whether the file begins with a trace's magic; false also when it cannot be read.
bool is_trace(const std::string& path);

}  // namespace tidemark::replay

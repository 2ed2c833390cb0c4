// Writes to the trace of a running process from outside: samples and marks, in chunks of one page that are claimed like
// any other writer's. The recorder need not know.
//
// The header is mapped, because claiming is an atomic add that the recorder must see; the chunks are written with
// pwrite, which answers an error on a full disk where a store would be SIGBUS. A record's tag byte goes last, as
// inside. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/base/file.h"
#include "analyzer/base/result.h"
#include "trace/chunk_writer.h"
#include "trace/format.h"

namespace tidemark::launch {

class OutsideTrace {
 public:
  static Result<OutsideTrace> open(const std::string& path);
  OutsideTrace(OutsideTrace&& other) noexcept;
  OutsideTrace& operator=(OutsideTrace&&) = delete;
  ~OutsideTrace();

  const std::string& path() const noexcept { return path_; }
  // A copy: the mapped one changes at any time.
  trace::FileHeader header() const noexcept;
  // How the process ended, as its recorder sees it so far.
  trace::EndKind end_kind() const noexcept;

  // Records how the process's memory looks now.
  Status sample(pid_t pid);
  Status mark(std::string_view text);

  // Heap snapshots. Asks the process for one; the number that answered_snapshots() has when it was taken.
  uint32_t ask_for_snapshot() noexcept;
  uint32_t answered_snapshots() const noexcept;
  uint32_t refused_snapshots() const noexcept;  // of the answered ones: it could not take them
  // That a picture read from outside answers the request: the process need not.
  void answer_snapshots(uint32_t asked) noexcept;
  uint32_t next_picture_id() noexcept;
  Status snapshot_taken(const trace::SnapshotRecord& record);

  // For chunks of a picture: a place of `bytes`, 0 if there is no more room (a quarter is left for events), and writing
  // a chunk to it, its magic last.
  uint64_t claim_for_picture(size_t bytes) noexcept;
  Status write_chunk(uint64_t offset, const uint8_t* chunk, size_t bytes);

 private:
  OutsideTrace() = default;

  Status make_room(size_t bytes, uint64_t now);
  template <class Record>
  Status write(uint64_t now, const Record& record, size_t text_bytes);
  Status flush(const uint8_t* from, size_t tag_bytes);

  std::string path_;
  File file_;
  trace::FileHeader* header_ = nullptr;
  uint64_t chunk_offset_ = 0;
  trace::ChunkWriter writer_;
  alignas(8) std::array<uint8_t, trace::kChunkAlignment> chunk_{};
};

// The trace that process `pid` writes, found among its mappings; empty without.
std::optional<std::string> find_trace_of(pid_t pid);

}  // namespace tidemark::launch

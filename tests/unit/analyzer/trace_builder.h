// Writes synthetic traces for tests, through the same encoder as the recorder's: streams of chunks, in the order in
// which the chunks were begun.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trace/chunk_writer.h"
#include "trace/format.h"

namespace tidemark::testing {

class TraceBuilder;

// One writer's stream; chunks are begun as needed.
class StreamBuilder {
 public:
  StreamBuilder(TraceBuilder& trace, uint32_t stream, uint32_t chunk_bytes);

  StreamBuilder& thread(uint64_t serial, uint64_t tid, const char* name);
  StreamBuilder& node(uint32_t id, uint32_t parent, uint64_t pc, bool exact = false);
  // `time` 0: untimed.
  StreamBuilder& alloc(uint64_t time, uint64_t address, uint64_t size, uint32_t node);
  StreamBuilder& free(uint64_t time, uint64_t address);
  StreamBuilder& realloc(uint64_t before, uint64_t after, uint64_t old_address, uint64_t address, uint64_t size,
                         uint32_t node);
  StreamBuilder& mark(uint64_t time, const char* text);
  StreamBuilder& life_end(uint64_t time);
  StreamBuilder& map(uint64_t time, uint64_t address, uint64_t size, uint64_t protection, uint64_t flags,
                     uint32_t node = 0);
  StreamBuilder& module(uint64_t time, uint64_t index, uint64_t start, uint64_t end, uint64_t bias, const char* path,
                        const std::string& build_id = {});
  template <class Record>
  StreamBuilder& record(uint64_t time, const Record& record, size_t text_bytes = 0) {
    make_room(trace::ChunkWriter::sized_room(text_bytes), time);
    writer_.sized(time, record);
    return *this;
  }

 private:
  void make_room(size_t bytes, uint64_t time);

  TraceBuilder& trace_;
  uint32_t stream_;
  uint32_t chunk_bytes_;
  uint32_t sequence_ = 0;
  uint32_t thread_ = 0;
  uint64_t time_;
  trace::ChunkWriter writer_;
};

struct Word {
  uint64_t source, value;
};

// The stream of a picture; records in the order of the calls.
class PictureBuilder {
 public:
  PictureBuilder(TraceBuilder& trace, uint64_t id, uint64_t cut,
                 trace::SnapshotReason reason = trace::SnapshotReason::kMainReturned, uint32_t chunk_bytes = 16384);

  PictureBuilder& region(uint64_t start, uint64_t end, uint64_t flags, const char* path = "");
  // `frames`: pairs of pc and end.
  PictureBuilder& thread(uint64_t tid, trace::PictureThreadRecord::Kind kind, uint64_t sp, uint64_t thread_pointer,
                         const std::vector<uint64_t>& registers = {},
                         const std::vector<std::pair<uint64_t, uint64_t>>& frames = {});
  PictureBuilder& pages(uint64_t start, const std::vector<std::pair<uint64_t, trace::PageState>>& runs);
  // Cut into as many records as they take.
  PictureBuilder& words(trace::WordsRecord::Kind kind, const std::vector<Word>& words);
  void end(uint64_t error = 0);
  // `record` but for its number of words.
  void end(trace::PictureEndRecord record);

 private:
  StreamBuilder& stream_;
  uint64_t cut_;
  uint64_t count_ = 0;
};

class TraceBuilder {
 public:
  static constexpr uint64_t kStartTicks = 1'000'000'000;
  static constexpr uint64_t kTicksPerSecond = 100'000'000;  // 10 ns each

  TraceBuilder();

  trace::FileHeader& header() noexcept { return header_; }
  void set_command(const std::string& executable, const std::vector<std::string>& arguments);
  void set_allocator(const std::string& path, const std::string& operator_new);
  // The stream `number`; made when first asked for.
  StreamBuilder& stream(uint32_t number, uint32_t chunk_bytes = trace::kChunkAlignment);

  // The file's bytes.
  std::vector<uint8_t> bytes();
  void write(const std::string& path);

 private:
  friend class StreamBuilder;
  uint8_t* add_chunk(uint32_t bytes);
  trace::StringRef add_text(const std::string& text);

  trace::FileHeader header_{};
  std::string texts_;
  std::vector<std::unique_ptr<std::vector<uint8_t>>> chunks_;
  std::vector<std::pair<uint32_t, std::unique_ptr<StreamBuilder>>> streams_;
};

// A folder that is removed with all it holds.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::vector<uint8_t>& bytes);

}  // namespace tidemark::testing

// Pictures of the heap in a trace (trace/records.h, from PictureRecord on): for each heap snapshot the memory map, the
// threads, which pages were in memory, and all words that may point to the heap. They know nothing of blocks.
//
// A picture's head is cheap to read (its first and its last chunk); the map and the threads are read when the picture
// is looked at; the words are streamed, as there may be hundreds of millions; and so are the pages' states, which lie
// between the words. Hostile input: all tables have limits,
// and what is out of order or senseless is left out and noted. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analyzer/replay/trace_file.h"
#include "trace/chunk_decoder.h"
#include "trace/records.h"

namespace tidemark::replay {

// No user address lies there or beyond; it keeps sums of hostile numbers from wrapping.
inline constexpr uint64_t kPictureAddressEnd = uint64_t{1} << 57;

struct PictureHead {
  const StreamPlace* place = nullptr;  // in the TraceFile
  uint64_t id = 0;
  uint64_t reason = 0;  // trace::SnapshotReason
  uint64_t cut = 0;     // ticks
  bool outside = false;
  bool whole = false;  // as far as can be told without reading all of it: its writer came to the end, without error
  trace::PictureEndRecord end;  // zeros without one
  // Of a picture read from outside: what of each stream came before the cut.
  std::vector<trace::StreamCutRecord> stream_cuts;
};

struct PictureRegion {
  uint64_t start = 0, end = 0, flags = 0, offset = 0;  // flags: trace::RegionRecord
  std::string path;
};

struct PictureFrame {
  uint64_t pc = 0;
  uint64_t end = 0;  // of the frame: its caller's stack pointer
};

struct PictureThread {
  uint64_t tid = 0;
  trace::PictureThreadRecord::Kind kind = trace::PictureThreadRecord::kStopped;
  uint64_t sp = 0, pc = 0, thread_pointer = 0;
  std::vector<uint64_t> registers;
  std::vector<PictureFrame> frames;  // innermost first, ends ascending
};

struct PageRun {
  uint64_t start = 0, pages = 0;
  trace::PageState state = trace::PageState::kAbsent;
};

struct Picture {
  PictureHead head;
  std::vector<PictureRegion> regions;  // ascending, disjoint
  std::vector<PictureThread> threads;
  std::vector<std::string> damage;  // sentences

  // The region that holds an address, or nullptr.
  const PictureRegion* region_at(uint64_t address) const noexcept;
};

// All pictures whose first record is there, by cut.
std::vector<PictureHead> list_pictures(const TraceFile& file);

Picture read_picture(const TraceFile& file, const PictureHead& head);

// Which pages were in memory: ascending, without absent ones. Reads all of the picture. What is damaged is missing.
std::vector<PageRun> read_pages(const TraceFile& file, const PictureHead& head);

// Streams the words of one picture: `kind`, `source` and `value` as in trace::WordsRecord. Sources ascend within each
// kind; a record that goes back, or is damaged, ends its kind.
class WordReader {
 public:
  static constexpr size_t kKinds = 6;

  WordReader(const TraceFile& file, const PictureHead& head) : file_(file), head_(head), place_(*head.place) {}

  // Calls visit(trace::WordsRecord::Kind, source, value) for each word; about 5 ns each. False: something was damaged,
  // and words are missing.
  template <class Visitor>
  bool run(Visitor&& visit) {
    std::vector<uint8_t> buffer;
    for (const ChunkPlace& place : place_.chunks) {
      buffer.resize(place.bytes);
      if (!file_.read(place, buffer.data())) {
        damaged_ = true;
        continue;
      }
      trace::ChunkDecoder decoder(buffer.data(), place.bytes);
      trace::Event event;
      trace::ChunkDecoder::Status status;
      while ((status = decoder.next(event)) == trace::ChunkDecoder::Status::kEvent) {
        if (event.kind != trace::Event::Kind::kSized || event.tag != trace::Tag::kWords) continue;
        trace::WordsRecord record;
        if (!trace::read_record(event.payload, record) || record.kind >= kKinds) {
          damaged_ = true;
          continue;
        }
        read_words(record, visit);
      }
      if (status == trace::ChunkDecoder::Status::kDamaged) damaged_ = true;
    }
    if (head_.whole) {
      damaged_ |= head_.end.words != words_[trace::WordsRecord::kPlain] + words_[trace::WordsRecord::kTagged];
    }
    return !damaged_;
  }

  // Words of a kind given so far.
  uint64_t words(trace::WordsRecord::Kind kind) const noexcept { return words_[kind]; }

 private:
  template <class Visitor>
  void read_words(const trace::WordsRecord& record, Visitor&& visit) {
    const auto kind = static_cast<trace::WordsRecord::Kind>(record.kind);
    if (ended_[record.kind]) return;
    const unsigned shift = kind == trace::WordsRecord::kPossibleCompressed ? 2 : 3;
    const uint8_t* at = record.words.data;
    const uint8_t* const end = at + record.words.size;
    uint64_t source = record.source, value = record.value;
    bool sound = source < kPictureAddressEnd && source >= next_[record.kind];
    uint64_t left = record.count;
    while (sound && left != 0) {
      uint64_t step = 0, change = 0;
      if ((at = trace::get_varint(at, end, step)) == nullptr || (at = trace::get_varint(at, end, change)) == nullptr ||
          step > (kPictureAddressEnd - source) >> shift) [[unlikely]] {
        sound = false;
        break;
      }
      source += step << shift;
      value += trace::decode_word_delta(change);
      visit(kind, source, value);
      --left;
    }
    words_[record.kind] += record.count - left;
    next_[record.kind] = source;
    if (!sound) damaged_ = ended_[record.kind] = true;
  }

  const TraceFile& file_;
  const PictureHead head_;
  const StreamPlace& place_;
  uint64_t words_[kKinds] = {};
  uint64_t next_[kKinds] = {};  // the lowest source that may come
  bool ended_[kKinds] = {};
  bool damaged_ = false;
};

}  // namespace tidemark::replay

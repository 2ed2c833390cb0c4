// The events of all streams in the order of their times.
//
// A StreamCursor decodes one stream, a batch of events ahead, and lets the caller see the batch: the time until an
// event is used hides the memory accesses it needs. A REALLOC becomes two events, the end of the old block before the
// real call and the beginning of the new one after it; another stream's events may lie between them.
//
// EventMerge merges the cursors: the stream with the earliest event runs until another one is earlier; equal times go
// by stream, so that the order is always the same. A stream's chunk is read when its time comes and given back when it
// is used up: memory is one chunk per stream that is active at the time.
//
// Not thread-safe. Times of a damaged trace may go back; the merge then still gives every event once, and ends.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "analyzer/replay/trace_file.h"
#include "trace/chunk_decoder.h"

namespace tidemark::replay {

struct HeapEvent {
  enum class Kind : uint8_t { kAlloc, kFree, kReallocEnd, kReallocBegin, kNode, kRecord };

  uint64_t time;
  uint64_t address;  // kNode: pc
  union {
    uint64_t size;  // kNode: the parent; kRecord: bytes of the payload
    uint64_t payload_bytes;
  };
  union {
    uint32_t node;            // kNode: the id
    uint32_t payload_offset;  // kRecord: in the chunk
  };
  Kind kind;
  uint8_t detail;  // kNode: pc is exact; kRecord: the tag
};
static_assert(sizeof(HeapEvent) == 32);

// Larger requests than the address space cannot have succeeded: such an event is damage.
inline constexpr uint64_t kMaxBlockBytes = uint64_t{1} << 47;
constexpr bool sensible(const HeapEvent& event) noexcept { return event.address != 0 && event.size <= kMaxBlockBytes; }

// From a place of a stream on, events are no earlier than `time`, whatever they say: a picture of the heap read from
// outside tells where each stream ended then, and events without a time would seem to lie before it.
struct StreamFloor {
  uint32_t stream = 0, sequence = 0;
  uint64_t offset = 0;  // in the chunk
  uint64_t time = 0;
};

class StreamCursor {
 public:
  // `floors`: of this stream, by place.
  explicit StreamCursor(const StreamPlace& place, std::vector<StreamFloor> floors = {})
      : place_(&place), floors_(std::move(floors)) {}

  bool has_event() const noexcept { return at_ != count_; }
  const HeapEvent& event() const noexcept { return (*batch_)[at_]; }
  trace::Bytes payload() const noexcept { return {buffer_.data() + event().payload_offset, event().payload_bytes}; }

  // Where the next event can be earliest; only when the stream has one or has chunks left.
  uint64_t next_time() const noexcept { return has_event() ? event().time : place_->chunks[next_chunk_].base_time; }
  bool finished() const noexcept { return !has_event() && next_chunk_ == place_->chunks.size(); }

  // The recorder's serial of the thread at the beginning of the chunk that was opened last.
  uint64_t chunk_thread() const noexcept { return chunk_thread_; }

  template <class Prefetch>
  void step(Prefetch&& prefetch) {
    if (++at_ == count_) decode(prefetch);
  }

  // Reads the next chunk; there may still be no event afterwards. Only without an event, and when not finished().
  template <class Prefetch>
  void open_chunk(const TraceFile& file, Prefetch&& prefetch) {
    const ChunkPlace& place = place_->chunks[next_chunk_++];
    at_ = count_ = 0;
    ended_ = true;
    if (!load(file, place)) return;
    ended_ = false;
    decode(prefetch);
  }

  // Gives memory back; only without an event.
  void release() noexcept {
    std::vector<uint8_t>().swap(buffer_);
    batch_.reset();
  }

  // What was wrong, with byte offsets; first of each stream. Empty without.
  const std::string& damage() const noexcept { return damage_; }
  // Of the chunk that was opened last: for the progress bar.
  uint64_t last_chunk_bytes() const noexcept { return last_chunk_bytes_; }

 private:
  static constexpr size_t kBatch = 64;

  bool load(const TraceFile& file, const ChunkPlace& place);
  void note_damage(uint64_t offset);
  void raise(trace::Event& event, size_t offset) noexcept;

  template <class Prefetch>
  void decode(Prefetch&& prefetch) {
    at_ = count_ = 0;
    if (ended_) return;
    HeapEvent* to = batch_->data();
    HeapEvent* const last = to + kBatch - 1;  // a realloc makes two
    trace::Event event;
    while (to < last) {
      const size_t offset = decoder_.offset();
      const auto status = decoder_.next(event);
      if (status != trace::ChunkDecoder::Status::kEvent) [[unlikely]] {
        if (status == trace::ChunkDecoder::Status::kDamaged && !cut_) note_damage(chunk_offset_ + decoder_.offset());
        ended_ = true;
        break;
      }
      if (!floors_.empty()) [[unlikely]]
        raise(event, offset);
      switch (event.kind) {
        case trace::Event::Kind::kAlloc:
          *to++ = {event.time, event.address, {event.size}, {event.node}, HeapEvent::Kind::kAlloc, 0};
          break;
        case trace::Event::Kind::kFree:
          *to++ = {event.time, event.address, {0}, {0}, HeapEvent::Kind::kFree, 0};
          break;
        case trace::Event::Kind::kRealloc:
          *to++ = {event.time_before, event.old_address, {0}, {0}, HeapEvent::Kind::kReallocEnd, 0};
          *to++ = {event.time, event.address, {event.size}, {event.node}, HeapEvent::Kind::kReallocBegin, 0};
          break;
        case trace::Event::Kind::kNode:
          *to++ = {event.time, event.pc, {event.parent}, {event.node}, HeapEvent::Kind::kNode, event.exact_pc};
          break;
        case trace::Event::Kind::kSized:
          *to++ = {event.time,
                   0,
                   {event.payload.size},
                   {static_cast<uint32_t>(event.payload.data - buffer_.data())},
                   HeapEvent::Kind::kRecord,
                   static_cast<uint8_t>(event.tag)};
          break;
      }
    }
    count_ = static_cast<size_t>(to - batch_->data());
    prefetch(batch_->data(), to);
  }

  const StreamPlace* place_;
  std::vector<StreamFloor> floors_;
  size_t next_floor_ = 0;
  uint64_t floor_ = 0;
  size_t next_chunk_ = 0;
  std::vector<uint8_t> buffer_;
  std::unique_ptr<std::array<HeapEvent, kBatch>> batch_;
  size_t at_ = 0, count_ = 0;
  trace::ChunkDecoder decoder_;
  bool ended_ = true;  // nothing left to decode in the chunk
  bool cut_ = false;   // the chunk's end is missing
  uint64_t chunk_offset_ = 0;
  uint64_t chunk_thread_ = 0;
  uint64_t last_chunk_bytes_ = 0;
  std::string damage_;
};

class EventMerge {
 public:
  explicit EventMerge(const TraceFile& file, const std::vector<StreamFloor>& floors = {});

  // Calls consumer.event(index of the stream, cursor) for every event in order, consumer.chunk(index, cursor) after
  // each chunk that was opened, and consumer.prefetch(begin, end) with events ahead of time. Ends when consumer.event()
  // returns false.
  template <class Consumer>
  void run(Consumer& consumer) {
    const auto prefetch = [&consumer](const HeapEvent* begin, const HeapEvent* end) { consumer.prefetch(begin, end); };
    while (!queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end(), later);
      const uint32_t index = queue_.back().stream;
      queue_.pop_back();
      StreamCursor& cursor = cursors_[index];
      if (!cursor.has_event()) {
        cursor.open_chunk(*file_, prefetch);
        consumer.chunk(index, cursor);
      } else {
        // Runs until another stream is earlier.
        const Entry limit = queue_.empty() ? Entry{UINT64_MAX, UINT32_MAX} : queue_.front();
        do {
          if (!consumer.event(index, cursor)) return;
          cursor.step(prefetch);
        } while (cursor.has_event() && later(limit, {cursor.event().time, index}));
      }
      if (!cursor.finished()) {
        queue_.push_back({cursor.next_time(), index});
        std::push_heap(queue_.begin(), queue_.end(), later);
      }
      if (!cursor.has_event()) cursor.release();
    }
  }

  const std::vector<StreamCursor>& cursors() const noexcept { return cursors_; }

 private:
  struct Entry {
    uint64_t time;
    uint32_t stream;
  };
  static bool later(const Entry& a, const Entry& b) noexcept {
    return a.time != b.time ? a.time > b.time : a.stream > b.stream;
  }

  const TraceFile* file_;
  std::vector<StreamCursor> cursors_;
  std::vector<Entry> queue_;
};

}  // namespace tidemark::replay

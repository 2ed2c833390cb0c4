#include "analyzer/replay/event_stream.h"

#include <fmt/format.h>

#include <cstring>
#include <unordered_map>

namespace tidemark::replay {

bool StreamCursor::load(const TraceFile& file, const ChunkPlace& place) {
  if (!batch_) batch_ = std::make_unique<std::array<HeapEvent, kBatch>>();
  buffer_.resize(place.bytes);
  last_chunk_bytes_ = place.bytes;
  if (!file.read(place, buffer_.data())) {
    note_damage(place.offset);
    return false;
  }
  trace::ChunkHeader header;
  std::memcpy(&header, buffer_.data(), sizeof(header));
  chunk_offset_ = place.offset;
  chunk_thread_ = header.thread;
  cut_ = place.bytes < header.bytes;
  decoder_ = trace::ChunkDecoder(buffer_.data(), place.bytes);
  return true;
}

void StreamCursor::note_damage(uint64_t offset) {
  if (damage_.empty()) damage_ = fmt::format("damaged at byte {}: the rest of that chunk was skipped", offset);
}

void StreamCursor::raise(trace::Event& event, size_t offset) noexcept {
  const uint32_t sequence = place_->chunks[next_chunk_ - 1].sequence;
  while (next_floor_ < floors_.size()) {
    const StreamFloor& next = floors_[next_floor_];
    if (sequence < next.sequence || (sequence == next.sequence && offset < next.offset)) break;
    floor_ = std::max(floor_, next.time);
    ++next_floor_;
  }
  event.time = std::max(event.time, floor_);
  event.time_before = std::max(event.time_before, floor_);
}

EventMerge::EventMerge(const TraceFile& file, const std::vector<StreamFloor>& floors) : file_(&file) {
  std::unordered_map<uint32_t, std::vector<StreamFloor>> by_stream;
  for (const StreamFloor& floor : floors) by_stream[floor.stream].push_back(floor);
  for (auto& [stream, own] : by_stream) {
    std::sort(own.begin(), own.end(), [](const StreamFloor& a, const StreamFloor& b) {
      return a.sequence != b.sequence ? a.sequence < b.sequence : a.offset < b.offset;
    });
  }
  cursors_.reserve(file.streams().size());
  queue_.reserve(file.streams().size());
  for (const StreamPlace& stream : file.streams()) {
    queue_.push_back({stream.chunks.front().base_time, static_cast<uint32_t>(cursors_.size())});
    const auto own = by_stream.find(stream.stream);
    cursors_.emplace_back(stream, own == by_stream.end() ? std::vector<StreamFloor>{} : own->second);
  }
  std::make_heap(queue_.begin(), queue_.end(), later);
}

}  // namespace tidemark::replay

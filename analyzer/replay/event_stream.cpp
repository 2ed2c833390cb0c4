#include "analyzer/replay/event_stream.h"

#include <fmt/format.h>

#include <cstring>

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

EventMerge::EventMerge(const TraceFile& file) : file_(&file) {
  cursors_.reserve(file.streams().size());
  queue_.reserve(file.streams().size());
  for (const StreamPlace& stream : file.streams()) {
    queue_.push_back({stream.chunks.front().base_time, static_cast<uint32_t>(cursors_.size())});
    cursors_.emplace_back(stream);
  }
  std::make_heap(queue_.begin(), queue_.end(), later);
}

}  // namespace tidemark::replay

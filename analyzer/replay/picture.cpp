#include "analyzer/replay/picture.h"

#include <fmt/format.h>

#include <algorithm>

namespace tidemark::replay {
namespace {

using trace::ChunkDecoder;
using trace::Event;
using trace::Tag;

// The kernel allows 65,530 mappings unless told otherwise.
constexpr size_t kMaxRegions = 1 << 18;
constexpr size_t kMaxThreads = 1 << 16;
constexpr size_t kMaxRegisters = 64;
constexpr size_t kMaxPageRuns = 1 << 22;

// Calls visit(event) for the records of a chunk until it answers false. False: the chunk is damaged.
template <class Visitor>
bool visit_records(const TraceFile& file, const ChunkPlace& place, std::vector<uint8_t>& buffer, Visitor&& visit) {
  buffer.resize(place.bytes);
  if (!file.read(place, buffer.data())) return false;
  ChunkDecoder decoder(buffer.data(), place.bytes);
  Event event;
  ChunkDecoder::Status status;
  while ((status = decoder.next(event)) == ChunkDecoder::Status::kEvent) {
    if (event.kind == Event::Kind::kSized && !visit(event)) return true;
  }
  return status == ChunkDecoder::Status::kEnd;
}

bool all_chunks_there(const StreamPlace& place) {
  for (size_t i = 0; i < place.chunks.size(); ++i) {
    if (place.chunks[i].sequence != i) return false;
  }
  return true;
}

// Reads what comes before the words.
class PictureReader {
 public:
  PictureReader(const TraceFile& file, const PictureHead& head, Picture& picture) : picture_(picture) {
    picture.head = head;
    std::vector<uint8_t> buffer;
    bool sound = true;
    for (const ChunkPlace& place : head.place->chunks) {
      bool words = false;
      sound &= visit_records(file, place, buffer, [&](const Event& event) {
        words = event.tag == Tag::kWords;
        if (!words) read(event);
        return !words;
      });
      if (words) break;
    }
    if (!sound || skipped_ != 0) {
      picture.head.whole = false;
      picture.damage.push_back(
          fmt::format("the picture of heap snapshot {} is damaged before its words ({} records)", head.id, skipped_));
    }
  }

 private:
  void read(const Event& event) {
    switch (event.tag) {
      case Tag::kRegion:
        return parse<trace::RegionRecord>(event, [this](const auto& record) { return add(record); });
      case Tag::kPictureThread:
        return parse<trace::PictureThreadRecord>(event, [this](const auto& record) { return add(record); });
      default:
        return;
    }
  }

  template <class Record, class Add>
  void parse(const Event& event, Add add) {
    Record record;
    if (!trace::read_record(event.payload, record) || !add(record)) ++skipped_;
  }

  bool add(const trace::RegionRecord& record) {
    std::vector<PictureRegion>& regions = picture_.regions;
    // The vsyscall page lies in the kernel's half.
    if (record.start >= kPictureAddressEnd) return true;
    if (record.end <= record.start || record.end > kPictureAddressEnd || regions.size() == kMaxRegions) return false;
    if (!regions.empty() && record.start < regions.back().end) return false;
    regions.push_back({record.start, record.end, record.flags, record.offset,
                       std::string(reinterpret_cast<const char*>(record.path.data), record.path.size)});
    return true;
  }

  bool add(const trace::PictureThreadRecord& record) {
    if (picture_.threads.size() == kMaxThreads || record.kind > trace::PictureThreadRecord::kStackDead) return false;
    PictureThread& thread = picture_.threads.emplace_back();
    thread.tid = record.tid;
    thread.kind = static_cast<trace::PictureThreadRecord::Kind>(record.kind);
    thread.sp = record.sp;
    thread.pc = record.pc;
    thread.thread_pointer = record.thread_pointer;
    for (size_t at = 0; at + 8 <= record.registers.size && thread.registers.size() < kMaxRegisters; at += 8) {
      thread.registers.push_back(trace::load_u64(record.registers.data + at));
    }
    for (size_t at = 0; at + 16 <= record.frames.size; at += 16) {
      const PictureFrame frame{trace::load_u64(record.frames.data + at), trace::load_u64(record.frames.data + at + 8)};
      if (frame.end <= (thread.frames.empty() ? thread.sp : thread.frames.back().end)) break;
      thread.frames.push_back(frame);
    }
    return true;
  }

  Picture& picture_;
  uint64_t skipped_ = 0;
};

// Adds the runs of a record. False: they are damaged.
bool add_pages(const trace::ResidencyRecord& record, uint64_t page_bytes, std::vector<PageRun>& pages) {
  const uint8_t* at = record.runs.data;
  const uint8_t* const end = at + record.runs.size;
  const uint64_t last = kPictureAddressEnd / page_bytes;
  uint64_t page = record.start / page_bytes;
  if (page > last) return false;
  while (at != end) {
    uint64_t run = 0;
    if ((at = trace::get_varint(at, end, run)) == nullptr) return false;
    const uint64_t count = run >> 2;
    if (count > last - page) return false;
    const auto state = static_cast<trace::PageState>(run & 3);
    if (state != trace::PageState::kAbsent && count != 0) {
      if (pages.size() == kMaxPageRuns) return false;
      pages.push_back({page * page_bytes, count, state});
    }
    page += count;
  }
  return true;
}

}  // namespace

const PictureRegion* Picture::region_at(uint64_t address) const noexcept {
  const auto behind = std::upper_bound(regions.begin(), regions.end(), address,
                                       [](uint64_t at, const PictureRegion& region) { return at < region.start; });
  if (behind == regions.begin()) return nullptr;
  const PictureRegion& region = *std::prev(behind);
  return address < region.end ? &region : nullptr;
}

std::vector<PictureHead> list_pictures(const TraceFile& file) {
  std::vector<PictureHead> heads;
  std::vector<uint8_t> buffer;
  for (const StreamPlace& place : file.pictures()) {
    PictureHead head;
    head.place = &place;
    bool found = false, ended = false;
    visit_records(file, place.chunks.front(), buffer, [&](const Event& event) {
      if (found) {
        trace::StreamCutRecord cut;
        if (event.tag != Tag::kStreamCut || !trace::read_record(event.payload, cut)) return false;
        // A stream has one.
        if (head.stream_cuts.size() < file.streams().size()) head.stream_cuts.push_back(cut);
        return true;
      }
      trace::PictureRecord record;
      found = event.tag == Tag::kPicture && trace::read_record(event.payload, record);
      head.id = record.id;
      head.reason = record.reason;
      head.cut = record.cut;
      head.outside = record.outside == 1;
      return found;
    });
    if (!found) continue;
    const bool sound = visit_records(file, place.chunks.back(), buffer, [&](const Event& event) {
      ended = event.tag == Tag::kPictureEnd && trace::read_record(event.payload, head.end);
      return !ended;
    });
    head.whole = sound && ended && head.end.error == 0 && all_chunks_there(place);
    heads.push_back(head);
  }
  std::stable_sort(heads.begin(), heads.end(),
                   [](const PictureHead& a, const PictureHead& b) { return a.cut < b.cut; });
  return heads;
}

std::vector<PageRun> read_pages(const TraceFile& file, const PictureHead& head) {
  const uint64_t page_bytes = std::clamp<uint64_t>(file.header().page_bytes, 4096, 1 << 21);
  std::vector<PageRun> pages;
  std::vector<uint8_t> buffer;
  for (const ChunkPlace& place : head.place->chunks) {
    static_cast<void>(visit_records(file, place, buffer, [&](const Event& event) {
      trace::ResidencyRecord record;
      if (event.tag != Tag::kResidency || !trace::read_record(event.payload, record)) return true;
      static_cast<void>(add_pages(record, page_bytes, pages));
      return true;
    }));
  }
  // Pages of files come before all others. What overlaps is damaged: the lower one counts.
  std::stable_sort(pages.begin(), pages.end(), [](const PageRun& a, const PageRun& b) { return a.start < b.start; });
  uint64_t free_from = 0;
  std::erase_if(pages, [&](const PageRun& run) {
    if (run.start < free_from) return true;
    free_from = run.start + run.pages * page_bytes;
    return false;
  });
  return pages;
}

Picture read_picture(const TraceFile& file, const PictureHead& head) {
  Picture picture;
  PictureReader(file, head, picture);
  return picture;
}

}  // namespace tidemark::replay

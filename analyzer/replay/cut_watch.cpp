#include "analyzer/replay/cut_watch.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tidemark::replay {
namespace {

// For so long an allocation that was in flight is waited for: threads go on at once after the pause.
constexpr double kWatchSeconds = 0.05;

uint64_t end_of(const CutBlock& block) { return block.address + std::max<uint64_t>(block.size, 1); }

bool by_address(const CutBlock& a, const CutBlock& b) { return a.address < b.address; }

// Those to look at, when there are more than `most`: evenly spread, with the last one.
std::vector<PictureHead> choose(std::vector<PictureHead> pictures, size_t most) {
  if (pictures.size() <= most) return pictures;
  std::vector<PictureHead> chosen;
  for (size_t i = 1; i <= most; ++i) chosen.push_back(pictures[i * pictures.size() / most - 1]);
  return chosen;
}

}  // namespace

CutWatch::CutWatch(const TraceFile& file, const std::vector<PictureHead>& pictures, Heap& heap,
                   const RecordReader& records, Callback callback, std::function<std::vector<OpenRealloc>()> reallocs)
    : file_(file),
      heap_(heap),
      records_(records),
      callback_(std::move(callback)),
      reallocs_(std::move(reallocs)),
      seen_(file.streams().size()) {
  const Clock clock(file.header());
  watch_ticks_ = static_cast<uint64_t>(std::clamp(kWatchSeconds / clock.span_seconds(1), 1.0, 1e12));
  if (!callback_) return;
  std::copy_if(pictures.begin(), pictures.end(), std::back_inserter(pictures_),
               [](const PictureHead& head) { return head.whole; });
  const size_t whole = pictures_.size();
  pictures_ = choose(std::move(pictures_), kMaxPictures);
  left_out_ = whole - pictures_.size();
}

void CutWatch::before_event(uint32_t stream, const HeapEvent& event) {
  for (;;) {
    const bool next_is_due = next_ < pictures_.size() && event.time > pictures_[next_].cut;
    if (watching_) {
      if (event.time <= watch_end_ && !next_is_due) return watch(stream, event);
      conclude();
    } else if (next_is_due) {
      capture();
    } else {
      return;
    }
  }
}

void CutWatch::finish(uint64_t time) {
  for (;;) {
    if (watching_) {
      conclude();
    } else if (next_ < pictures_.size() && pictures_[next_].cut <= time) {
      capture();
    } else {
      return;
    }
  }
}

void CutWatch::capture() {
  const PictureHead& head = pictures_[next_++];
  watching_ = true;
  watch_end_ = head.cut > UINT64_MAX - watch_ticks_ ? UINT64_MAX : head.cut + watch_ticks_;
  after_life_ = records_.life_ended() && head.reason != static_cast<uint64_t>(trace::SnapshotReason::kMainReturned) &&
                head.reason != static_cast<uint64_t>(trace::SnapshotReason::kExit);
  std::fill(seen_.begin(), seen_.end(), false);
  blocks_.clear();
  blocks_.reserve(heap_.live().size());
  heap_.live().for_each([this](uint64_t address, const LiveBlock& block) {
    blocks_.push_back({address, block.size, block.node, 0, static_cast<uint16_t>(block.unreachable_in)});
  });
  in_flight_.clear();
  for (const OpenRealloc& open : reallocs_()) {
    if (open.address != 0) in_flight_.push_back({open.address, open.block.size, open.block.node, 1});
  }
  mappings_.clear();
  records_.maps().for_each([this](uint64_t begin, uint64_t end, const MappingTraits& traits) {
    mappings_.push_back({begin, end, traits});
  });
  modules_.clear();
  for (const uint32_t position : records_.modules().mapped()) {
    modules_.push_back(records_.modules().modules()[position]);
  }
}

void CutWatch::watch(uint32_t stream, const HeapEvent& event) {
  if (event.kind == HeapEvent::Kind::kNode || event.kind == HeapEvent::Kind::kRecord || seen_[stream]) return;
  seen_[stream] = true;
  if (event.kind != HeapEvent::Kind::kAlloc && event.kind != HeapEvent::Kind::kReallocBegin) return;
  if (!sensible(event)) return;
  in_flight_.push_back({event.address, event.size, heap_.tree().use(event.node), 1});
}

// Puts the blocks in flight to the others. One that overlaps a block that lived at the cut came later.
void CutWatch::add_in_flight() {
  std::sort(blocks_.begin(), blocks_.end(), by_address);
  std::sort(in_flight_.begin(), in_flight_.end(), by_address);
  const auto live = static_cast<ptrdiff_t>(blocks_.size());
  uint64_t free_from = 0;
  for (CutBlock& block : in_flight_) {
    // A realloc in place: its old and its new block are both here.
    if (block.address < free_from) {
      CutBlock& before = blocks_.back();
      if (before.address == block.address) before.size = std::max(before.size, block.size);
      continue;
    }
    const auto behind = std::lower_bound(blocks_.begin(), blocks_.begin() + live, block, by_address);
    if (behind != blocks_.begin() + live && behind->address < end_of(block)) continue;
    if (behind != blocks_.begin() && end_of(*std::prev(behind)) > block.address) continue;
    blocks_.push_back(block);
    free_from = end_of(block);
  }
  std::inplace_merge(blocks_.begin(), blocks_.begin() + live, blocks_.end(), by_address);
}

void CutWatch::conclude() {
  watching_ = false;
  add_in_flight();
  const Picture picture = read_picture(file_, pictures_[next_ - 1]);
  CutHeap cut{.file = file_,
              .picture = picture,
              .blocks = std::exchange(blocks_, {}),
              .mappings = std::exchange(mappings_, {}),
              .modules = std::exchange(modules_, {}),
              .threads = heap_.threads().all(),
              .tree = heap_.tree(),
              .forked = (file_.header().flags & trace::kHeaderFlagForked) != 0,
              .after_life = after_life_,
              .heap = heap_};
  callback_(cut);
}

}  // namespace tidemark::replay

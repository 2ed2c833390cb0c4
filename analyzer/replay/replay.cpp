#include "analyzer/replay/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>
#include <unordered_map>
#include <vector>

#include "analyzer/replay/cut_watch.h"
#include "analyzer/replay/event_stream.h"
#include "analyzer/replay/record_reader.h"

namespace tidemark::replay {
namespace {

// Of places where streams ended when a picture was read from outside.
constexpr size_t kMaxFloors = 1 << 20;
constexpr double kFirstSliceSeconds = 0.001;

unsigned timeline_shift(const Clock& clock) {
  const double ticks = kFirstSliceSeconds / clock.span_seconds(1);
  return ticks < 2
             ? 0
             : std::min(40u, static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(std::min(ticks, 1e12)))) - 1);
}

// Applies events to the heap and hands records on. One per replay.
class Replayer {
 public:
  Replayer(const TraceFile& file, const ReplayOptions& options)
      : options_(options),
        clock_(file.header()),
        heap_(file.header().start_ticks, clock_.span_seconds(1) * 1e9, timeline_shift(clock_)),
        records_(file.header(), clock_, heap_),
        streams_(file.streams().size()),
        pictures_(list_pictures(file)),
        cuts_(file, pictures_, heap_, records_, options.on_cut, [this] { return open_reallocs(); }) {
    if (options.on_end) records_.on_end([this](uint64_t time) { options_.on_end(heap_.live(), time); });
    sleep();
    for (const StreamPlace& stream : file.streams()) {
      for (const ChunkPlace& chunk : stream.chunks) total_bytes_ += chunk.bytes;
    }
  }

  // What the pictures that were read from outside say of the order of events.
  std::vector<StreamFloor> floors() const {
    std::vector<StreamFloor> floors;
    for (const PictureHead& head : pictures_) {
      for (const trace::StreamCutRecord& cut : head.stream_cuts) {
        if (floors.size() == kMaxFloors || head.cut >= UINT64_MAX - 1) break;
        floors.push_back(
            {static_cast<uint32_t>(cut.stream), static_cast<uint32_t>(cut.sequence), cut.offset, head.cut + 1});
      }
    }
    return floors;
  }

  void prefetch(const HeapEvent* begin, const HeapEvent* end) const noexcept {
    heap_.prefetch(begin, end, [](const HeapEvent& event) { return event.address; });
  }

  void chunk(uint32_t index, const StreamCursor& cursor) {
    streams_[index].thread = heap_.threads().slot_of(cursor.chunk_thread());
    if (!options_.progress) return;
    done_bytes_ += cursor.last_chunk_bytes();
    options_.progress(done_bytes_, total_bytes_);
  }

  bool event(uint32_t index, const StreamCursor& cursor) {
    const HeapEvent& event = cursor.event();
    if (event.time > sleeps_until_) [[unlikely]] {
      if (event.time > options_.until_ticks) return false;
      cuts_.before_event(index, event);
      sleep();
    }
    Stream& stream = streams_[index];
    const Actor by{index, stream.thread};
    if (event.time > last_time_) last_time_ = event.time;
    switch (event.kind) {
      case HeapEvent::Kind::kAlloc:
        ++heap_events_;
        if (!check(event)) break;
        heap_.allocate(event.time, event.address, event.size, heap_.tree().use(event.node), by);
        break;
      case HeapEvent::Kind::kFree:
        ++heap_events_;
        heap_.free(event.time, event.address, by);
        break;
      case HeapEvent::Kind::kReallocEnd:
        ++heap_events_;
        stream.realloc.address =
            event.address != 0 && heap_.free_for_realloc(event.time, event.address, by, stream.realloc.block)
                ? event.address
                : 0;
        break;
      case HeapEvent::Kind::kReallocBegin: {
        const bool moved = stream.realloc.address != 0;
        stream.realloc.address = 0;
        if (!check(event)) break;
        const uint32_t node = heap_.tree().use(event.node);
        if (moved) {
          heap_.allocate_moved(event.time, stream.realloc.block, event.address, event.size, node, by);
        } else {
          heap_.allocate(event.time, event.address, event.size, node, by);
        }
        break;
      }
      case HeapEvent::Kind::kNode:
        define_node(event);
        break;
      case HeapEvent::Kind::kRecord:
        if (records_.read(static_cast<trace::Tag>(event.detail), event.time, cursor.payload(), stream.thread)) {
          ++heap_events_;
        }
        break;
    }
    return true;
  }

  Recording finish(const TraceFile& file, const EventMerge& merge) {
    heap_.finish_peak();
    cuts_.finish(options_.until_ticks);
    // A process that is still running has lived until now, whether or not it allocated.
    if (options_.until_ticks != UINT64_MAX) last_time_ = std::max(last_time_, options_.until_ticks);
    heap_.timeline().live(last_time_, heap_.totals().live_bytes);
    Recording recording;
    recording.header = file.header();
    recording.trace_path = file.path();
    recording.executable = file.text(file.header().executable);
    recording.command_line = file.text(file.header().command_line);
    recording.working_directory = file.text(file.header().working_directory);
    recording.allocator = file.text(file.header().allocator);
    recording.operator_new = file.text(file.header().operator_new);
    recording.trace_bytes = file.bytes();
    recording.last_time = std::max(last_time_, file.header().start_ticks);
    recording.heap_events = heap_events_;
    recording.totals = heap_.totals();
    recording.lifetimes = heap_.lifetimes();
    recording.damage = file.damage();
    note_damage(merge, recording.damage);
    records_.finish(recording);
    finish_snapshots(recording);
    recording.clock = clock_;
    recording.threads_seen = heap_.threads().seen();
    recording.threads = heap_.threads().take();
    recording.timeline = heap_.timeline();
    recording.generations = std::move(heap_.generations());
    recording.tree = std::move(heap_.tree());
    resolve_late_modules(recording);
    count_cut_stacks(recording);
    return recording;
  }

 private:
  struct Stream {
    uint32_t thread = 0;
    OpenRealloc realloc;  // between its halves, if the old block is known
  };

  void sleep() noexcept { sleeps_until_ = std::min(options_.until_ticks, cuts_.sleeps_until()); }

  std::vector<OpenRealloc> open_reallocs() const {
    std::vector<OpenRealloc> open;
    open.reserve(streams_.size());
    for (const Stream& stream : streams_) open.push_back(stream.realloc);
    return open;
  }

  // Joins the snapshots with their pictures. A picture may be there without its snapshot's record, if the process was
  // killed in between.
  void finish_snapshots(Recording& recording) {
    std::unordered_map<uint64_t, size_t> by_id;
    for (const Snapshot& snapshot : recording.snapshots)
      by_id.emplace(snapshot.id, static_cast<size_t>(&snapshot - recording.snapshots.data()));
    for (const PictureHead& head : pictures_) {
      const auto [found, added] = by_id.try_emplace(head.id, recording.snapshots.size());
      if (added) {
        Snapshot& snapshot = recording.snapshots.emplace_back();
        snapshot.id = head.id;
        snapshot.reason = head.reason;
        snapshot.cut = head.cut;
      }
      Snapshot& snapshot = recording.snapshots[found->second];
      snapshot.picture = head.whole ? Snapshot::Picture::kWhole : Snapshot::Picture::kCut;
      snapshot.picture_end = head.end;
      snapshot.outside = head.outside;
    }
    std::stable_sort(recording.snapshots.begin(), recording.snapshots.end(),
                     [](const Snapshot& a, const Snapshot& b) { return a.cut < b.cut; });
    recording.pictures_left_out = cuts_.left_out();
    recording.judged = std::move(heap_.sites_judged());
  }

  bool check(const HeapEvent& event) noexcept {
    if (sensible(event)) [[likely]]
      return true;
    ++senseless_events_;
    return false;
  }

  void define_node(const HeapEvent& event) {
    const auto parent = static_cast<uint32_t>(event.size);
    const bool exact = event.detail != 0;
    // A return address behind a call at a function's end may lie behind its module's end.
    const uint32_t module = event.address <= trace::kMaxCutPc
                                ? CallTreeNode::kNoModule
                                : records_.modules().at(exact ? event.address : event.address - 1);
    if (!heap_.tree().define(event.node, parent, event.address, exact, module)) ++senseless_nodes_;
  }

  // A node may have been seen before the load of its module was: the load is noticed by whichever thread comes next.
  // Such a node belongs to the first module that ever lay there.
  static void resolve_late_modules(Recording& recording) {
    std::map<uint64_t, uint32_t> first_at;  // start -> position, disjoint
    for (uint32_t position = 0; position < recording.modules.size(); ++position) {
      const LoadedModule& module = recording.modules[position];
      const auto after = first_at.lower_bound(module.start);
      if (after != first_at.end() && after->first < module.end) continue;
      if (after != first_at.begin() && recording.modules[std::prev(after)->second].end > module.start) continue;
      first_at.emplace(module.start, position);
    }
    for (uint32_t id = 1; id < recording.tree.size(); ++id) {
      CallTreeNode& node = recording.tree.node(id);
      if (node.module != CallTreeNode::kNoModule || node.pc <= trace::kMaxCutPc) continue;
      const uint64_t pc = node.exact ? node.pc : node.pc - 1;
      const auto found = first_at.upper_bound(pc);
      if (found == first_at.begin()) continue;
      const uint32_t position = std::prev(found)->second;
      if (pc < recording.modules[position].end) node.module = position;
    }
  }

  // A cut stack hangs below a node whose pc is the reason.
  static void count_cut_stacks(Recording& recording) {
    std::vector<uint8_t> reason(recording.tree.size());
    for (uint32_t id = 1; id < recording.tree.size(); ++id) {
      const CallTreeNode& node = recording.tree.node(id);
      const bool is_reason = node.pc != 0 && node.pc <= trace::kMaxCutPc;
      reason[id] = is_reason ? static_cast<uint8_t>(node.pc) : reason[node.parent];
      if (reason[id] != 0) recording.cut_stacks[reason[id]] += recording.tree.totals(id).allocations;
    }
  }

  void note_damage(const EventMerge& merge, std::vector<std::string>& damage) {
    constexpr size_t kMaxTexts = 20;
    size_t more = 0;
    for (const StreamCursor& cursor : merge.cursors()) {
      if (cursor.damage().empty()) continue;
      if (damage.size() < kMaxTexts) {
        damage.push_back(cursor.damage());
      } else {
        ++more;
      }
    }
    if (more != 0) damage.push_back(fmt::format("{} more streams are damaged", more));
    if (senseless_events_ != 0)
      damage.push_back(fmt::format("{} allocations with senseless fields were skipped", senseless_events_));
    if (senseless_nodes_ != 0)
      damage.push_back(fmt::format("{} stack frames with senseless fields were skipped", senseless_nodes_));
    if (heap_.tree().senseless_uses() != 0) {
      damage.push_back(
          fmt::format("{} allocations name a stack that the trace does not hold", heap_.tree().senseless_uses()));
    }
  }

  const ReplayOptions& options_;
  Clock clock_;
  Heap heap_;
  RecordReader records_;
  std::vector<Stream> streams_;
  std::vector<PictureHead> pictures_;
  CutWatch cuts_;
  uint64_t sleeps_until_ = 0;  // an event later than this ends the replay, or concerns a picture
  uint64_t last_time_ = 0;
  uint64_t heap_events_ = 0;
  uint64_t senseless_events_ = 0, senseless_nodes_ = 0;
  uint64_t done_bytes_ = 0, total_bytes_ = 0;
};

}  // namespace

Recording replay(const TraceFile& file, const ReplayOptions& options) {
  Replayer replayer(file, options);
  EventMerge merge(file, replayer.floors());
  merge.run(replayer);
  return replayer.finish(file, merge);
}

}  // namespace tidemark::replay

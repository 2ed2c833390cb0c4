// Merging the streams of a trace by time, and the check that in this order every address alternates between allocated
// and free: an allocation of a block that is live, or in a trace of a whole process a free of one that never lived, is
// counted, and the former is a problem. So is an event that names a node which is nowhere. The totals come from the
// same order.
//
// Order: times may be early by kOrderSlackTicks against other streams. A free that finds no block waits that long for
// the allocation in another stream that it belongs to, and an allocation over a live block for that block's free; such
// pairs are counted as repairs. Among equal times the event that continues the alternation goes first. Memory: the live
// set.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <deque>

#include "trace_check.h"

namespace tidemark::trace_check {

using namespace tidemark::trace;

namespace {

std::string string_of(const Bytes& bytes) { return std::string(reinterpret_cast<const char*>(bytes.data), bytes.size); }

// An event that is out of order, unless its partner comes soon.
struct Waiting {
  uint64_t address, time;
  const Stream* stream;
  bool is_free;
};

class Merge {
 public:
  Merge(Trace& trace, uint64_t history_of) : trace_(trace), history_of_(history_of) {}
  Findings run();  // once

 private:
  void apply(Stream& stream);
  void apply_sized(Stream& stream);
  void begin_block(Stream& stream, uint64_t address, uint64_t size, uint32_t node);
  void end_block(Stream& stream, uint64_t address);
  void use_node(uint32_t node);
  bool take_waiting(const Stream& stream, uint64_t address, bool is_free);
  void expire_waiting(uint64_t time);
  bool continues(const Stream& stream) const;
  void note_end();

  Trace& trace_;
  const uint64_t history_of_;
  std::unordered_map<uint64_t, uint64_t> live_;  // address → size
  std::deque<Waiting> waiting_;
  Findings found_;
};

void Merge::use_node(uint32_t node) {
  if (node == 0) {
    ++found_.no_stack;
    return;
  }
  auto at = trace_.nodes.find(node);
  if (at == trace_.nodes.end()) return trace_.problem(format("an event names node %u, which is nowhere", node));
  found_.deepest = std::max<uint64_t>(found_.deepest, at->second.depth);
  for (; at != trace_.nodes.end() && at->second.parent != 0; at = trace_.nodes.find(at->second.parent)) {
  }
  if (at != trace_.nodes.end() && at->second.pc <= kMaxCutPc) ++found_.cut_events;
}

// The event about `address` that waits for one of another stream, if there is one.
bool Merge::take_waiting(const Stream& stream, uint64_t address, bool is_free) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& one) {
    return one.address == address && one.is_free == is_free && one.stream != &stream;
  });
  if (found == waiting_.end()) return false;
  waiting_.erase(found);
  ++found_.order_repairs;
  return true;
}

// What has waited in vain by `time`.
void Merge::expire_waiting(uint64_t time) {
  while (!waiting_.empty() && (time == UINT64_MAX || time - waiting_.front().time > kOrderSlackTicks)) {
    const Waiting one = waiting_.front();
    waiting_.pop_front();
    if (one.is_free) {
      if (++found_.unknown_frees <= 10) found_.unknown_addresses.push_back(one.address);
    } else {
      ++found_.allocated_over_live;
      trace_.problem(format("block %#" PRIx64 " is allocated at %" PRIu64 " while it is live", one.address, one.time));
    }
  }
}

void Merge::begin_block(Stream& stream, uint64_t address, uint64_t size, uint32_t node) {
  ++found_.threads[stream.thread].allocations;
  if (address == history_of_)
    std::printf("thread %" PRIu64 " tick %" PRIu64 " + %zu\n", stream.thread, stream.time, size_t{size});
  expire_waiting(stream.time);
  use_node(node);
  found_.total_bytes += size;
  const auto [at, fresh] = live_.emplace(address, size);
  if (!fresh) {
    waiting_.push_back({address, stream.time, &stream, false});
    found_.live_bytes -= at->second;
    at->second = size;
  }
  found_.live_bytes += size;
  found_.peak_live_bytes = std::max(found_.peak_live_bytes, found_.live_bytes);
  if (fresh && take_waiting(stream, address, true)) {
    found_.live_bytes -= size;
    live_.erase(address);
  }
}

void Merge::end_block(Stream& stream, uint64_t address) {
  ++found_.threads[stream.thread].frees;
  if (address == history_of_)
    std::printf("thread %" PRIu64 " tick %" PRIu64 " - %s\n", stream.thread, stream.time,
                stream.event.kind == Event::Kind::kRealloc ? "(realloc)" : "");
  expire_waiting(stream.time);
  const auto at = live_.find(address);
  if (at == live_.end()) {
    waiting_.push_back({address, stream.time, &stream, true});
    return;
  }
  if (take_waiting(stream, address, false)) return;  // the block before this one
  found_.live_bytes -= at->second;
  live_.erase(at);
}

// Whether the stream's event is one that alternation expects now: what decides between equal times.
bool Merge::continues(const Stream& stream) const {
  const Event& event = stream.event;
  switch (event.kind) {
    case Event::Kind::kAlloc:
      return live_.count(event.address) == 0;
    case Event::Kind::kFree:
      return live_.count(event.address) != 0;
    case Event::Kind::kRealloc:
      return stream.second_half ? live_.count(event.address) == 0 : live_.count(event.old_address) != 0;
    default:
      return true;
  }
}

void Merge::apply_sized(Stream& stream) {
  const Event& event = stream.event;
  const auto read = [&](auto& record) {
    if (!read_record(event.payload, record))
      trace_.problem(format("a record of kind %d is cut", static_cast<int>(event.tag)));
    return record;
  };
  switch (event.tag) {
    case Tag::kThread: {
      ThreadRecord record;
      read(record);
      stream.thread = record.serial;
      Thread& thread = found_.threads[record.serial];
      thread.tid = record.tid;
      thread.stack_low = record.stack_low;
      thread.stack_high = record.stack_high;
      thread.name = string_of(record.name);
      break;
    }
    case Tag::kThreadName: {
      ThreadNameRecord record;
      read(record);
      found_.threads[record.serial].name = string_of(record.name);
      break;
    }
    case Tag::kModuleLoad: {
      ModuleLoadRecord record;
      read(record);
      found_.modules.push_back(string_of(record.path));
      break;
    }
    case Tag::kModuleUnload:
      ++found_.unloads;
      break;
    case Tag::kSample: {
      SampleRecord record;
      read(record);
      ++found_.samples;
      break;
    }
    case Tag::kMark: {
      MarkRecord record;
      read(record);
      found_.marks.push_back(string_of(record.text));
      break;
    }
    case Tag::kFork: {
      ForkRecord record;
      read(record);
      found_.forks.push_back(record.pid);
      break;
    }
    case Tag::kExec: {
      ExecRecord record;
      read(record);
      found_.execs.push_back(string_of(record.path));
      break;
    }
    case Tag::kExecFailed:
      ++found_.exec_failures;
      break;
    case Tag::kSpawn: {
      SpawnRecord record;
      read(record);
      found_.spawns.push_back({record.pid, string_of(record.path)});
      break;
    }
    case Tag::kMap: {
      MapRecord record;
      read(record);
      ++found_.maps;
      if (record.node != 0) use_node(static_cast<uint32_t>(record.node));
      break;
    }
    case Tag::kUnmap:
      ++found_.unmaps;
      break;
    case Tag::kRemap:
      ++found_.remaps;
      break;
    case Tag::kLifeEnd: {
      LifeEndRecord record;
      read(record);
      found_.life_end_kind = record.kind;
      found_.life_end_status = record.status;
      note_end();
      break;
    }
    default:
      break;
  }
}

void Merge::apply(Stream& stream) {
  const Event& event = stream.event;
  if (event.timed && !stream.second_half) ++found_.timed;
  switch (event.kind) {
    case Event::Kind::kAlloc:
      ++found_.plain_allocations;
      begin_block(stream, event.address, event.size, event.node);
      break;
    case Event::Kind::kFree:
      ++found_.plain_frees;
      end_block(stream, event.address);
      break;
    case Event::Kind::kRealloc:  // its two halves have times of their own
      if (!stream.second_half) {
        end_block(stream, event.old_address);
        stream.second_half = true;
        stream.time = event.time;
        return;
      }
      ++found_.reallocs;
      begin_block(stream, event.address, event.size, event.node);
      break;
    case Event::Kind::kNode:
      break;
    case Event::Kind::kSized:
      apply_sized(stream);
      break;
  }
  stream.second_half = false;
  trace_.advance(stream);
}

// The totals at the end of the process's life.
void Merge::note_end() {
  found_.end_allocations = found_.allocations();
  found_.end_frees = found_.frees();
  found_.end_live_bytes = found_.live_bytes;
  found_.end_live_blocks = live_.size();
}

Findings Merge::run() {
  std::vector<Stream*> open;
  for (auto& [id, stream] : trace_.streams) {
    if (trace_.advance(stream)) open.push_back(&stream);
  }
  // Few streams: a linear search for the earliest is as good as a heap, and lets equal times be weighed.
  while (!open.empty()) {
    Stream* first = open.front();
    uint64_t second_time = UINT64_MAX;
    for (size_t i = 1; i < open.size(); ++i) {
      Stream* other = open[i];
      if (other->time < first->time || (other->time == first->time && !continues(*first) && continues(*other)))
        std::swap(first, other);
      second_time = std::min(second_time, other->time);
    }
    do apply(*first);
    while (!first->done && first->time < second_time);
    if (first->done) open.erase(std::find(open.begin(), open.end(), first));
  }
  expire_waiting(UINT64_MAX);
  if (found_.life_end_kind == 0) note_end();
  found_.live_blocks = live_.size();
  return found_;
}

}  // namespace

Findings merge_events(Trace& trace, uint64_t history_of) { return Merge(trace, history_of).run(); }

}  // namespace tidemark::trace_check

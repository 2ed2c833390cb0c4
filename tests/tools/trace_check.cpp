// trace_check TRACE...: the tests' own reader of traces, independent of the analyzer. Verifies a trace structurally and
// prints what it holds as one line of JSON per trace. Exit status 0: every trace was read and none has a problem.
//
// Checked: each stream's chunks are numbered 0, 1, 2… without a gap; no chunk is damaged; THREAD records and chunk
// headers agree; every node that an event or a node names is in the trace, and within one stream was announced before;
// and, with all streams merged by time, every address alternates between allocated and free: an allocation of a block
// that is live, or in a trace of a whole process a free of one that never lived, is counted, and the former is a
// problem.
//
// With --history ADDRESS also prints all events of one block, one a line, for the hunt after a problem.
//
// Order: times may be early by kOrderSlackTicks against other streams. A free that finds no block waits that long for
// the allocation in another stream that it belongs to, and an allocation over a live block for that block's free; such
// pairs are counted as repairs. Among equal times the event that continues the alternation goes first. Memory: the live
// set and the call tree.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "trace/chunk_decoder.h"
#include "trace/format.h"
#include "trace/records.h"

namespace {

using namespace tidemark::trace;

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char text[512];
  va_list list;
  va_start(list, pattern);
  std::vsnprintf(text, sizeof(text), pattern, list);
  va_end(list);
  return text;
}

std::string quoted(const void* data, size_t size) {
  std::string out = "\"";
  for (size_t i = 0; i < size; ++i) {
    const unsigned char byte = static_cast<const unsigned char*>(data)[i];
    if (byte == '"' || byte == '\\')
      out += {'\\', static_cast<char>(byte)};
    else if (byte < 0x20 || byte >= 0x7f)
      out += format("\\u%04x", byte);  // bytes of other alphabets come out one by one: good enough to compare
    else
      out += static_cast<char>(byte);
  }
  return out + "\"";
}
std::string quoted(const std::string& text) { return quoted(text.data(), text.size()); }
std::string quoted(const Bytes& bytes) { return quoted(bytes.data, bytes.size); }

// An object or a list in the making.
class Json {
 public:
  explicit Json(char open) : text_(1, open), close_(open == '{' ? '}' : ']') {}
  Json& raw(const std::string& name, const std::string& value) { return item(quoted(name) + ": " + value); }
  Json& add(const std::string& name, uint64_t value) { return raw(name, std::to_string(value)); }
  Json& add(const std::string& name, const std::string& value) { return raw(name, quoted(value)); }
  Json& item(const std::string& value) {
    if (text_.size() > 1) text_ += ", ";
    text_ += value;
    return *this;
  }
  std::string str() const { return text_ + close_; }

 private:
  std::string text_;
  char close_;
};

struct Node {
  uint32_t parent, depth;
  uint64_t pc;
};

struct Thread {
  uint64_t tid = 0, allocations = 0, frees = 0, stack_low = 0, stack_high = 0;
  std::string name;
};

// One stream: its chunks in sequence, read event by event.
struct Stream {
  std::vector<std::pair<uint32_t, size_t>> chunks;  // (sequence, file offset)
  size_t next_chunk = 0;
  ChunkDecoder decoder;
  bool in_chunk = false, second_half = false, done = false;
  uint64_t thread = 0, time = 0;
  Event event;
};

// An event that is out of order, unless its partner comes soon.
struct Waiting {
  uint64_t address, time;
  const Stream* stream;
  bool is_free;
};

class Trace {
 public:
  bool open(const char* path);
  uint64_t history_of = 0;
  void check();
  std::string report() const;
  size_t problem_count() const { return problem_count_; }

 private:
  void problem(const std::string& text) {
    if (problem_count_++ < 20) problems_.push_back(text);
  }
  void find_chunks();
  void collect_nodes();
  bool advance(Stream& stream);
  void apply(Stream& stream);
  void apply_sized(Stream& stream);
  void begin_block(Stream& stream, uint64_t address, uint64_t size, uint32_t node);
  void end_block(Stream& stream, uint64_t address);
  void use_node(uint32_t node);
  bool take_waiting(const Stream& stream, uint64_t address, bool is_free);
  void expire_waiting(uint64_t time);
  bool continues(const Stream& stream) const;
  std::string text(StringRef ref) const;

  std::string path_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  bool unborn_ = false, merging_ = false;
  uint64_t disk_bytes_ = 0, chunk_count_ = 0, empty_units_ = 0;
  FileHeader header_{};
  std::map<uint32_t, Stream> streams_;
  std::unordered_map<uint32_t, Node> nodes_;
  std::unordered_map<uint64_t, uint64_t> live_;  // address → size
  std::deque<Waiting> waiting_;
  uint64_t repairs_ = 0;
  std::map<uint64_t, Thread> threads_;
  std::vector<std::string> problems_, unknown_, modules_, marks_, forks_, spawns_, execs_;
  size_t problem_count_ = 0;
  uint64_t allocs_ = 0, frees_ = 0, reallocs_ = 0, unknown_frees_ = 0, over_live_ = 0, timed_ = 0;
  uint64_t live_bytes_ = 0, peak_bytes_ = 0, total_bytes_ = 0, samples_ = 0, unloads_ = 0, exec_failures_ = 0;
  uint64_t maps_ = 0, unmaps_ = 0, remaps_ = 0, cut_events_ = 0, no_stack_ = 0, deepest_ = 0;
  uint64_t life_end_kind_ = 0, life_end_status_ = 0;
  uint64_t end_allocations_ = 0, end_frees_ = 0, end_live_bytes_ = 0, end_live_blocks_ = 0;
};

bool Trace::open(const char* path) {
  path_ = path;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || fstat(fd, &status) != 0) {
    problem("cannot be opened");
    return false;
  }
  // Killed between the file's creation and its growth.
  if (status.st_size == 0) {
    close(fd);
    unborn_ = true;
    return false;
  }
  size_ = static_cast<size_t>(status.st_size);
  disk_bytes_ = static_cast<uint64_t>(status.st_blocks) * 512;
  // Read, not mapped: touching a hole of a file on a full tmpfs is SIGBUS. Only what is claimed is there to be read.
  void* mapped = mmap(nullptr, std::max(size_, kHeaderBytes), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  size_t filled = 0;
  for (size_t wanted = kHeaderBytes; mapped != MAP_FAILED && filled < std::min(wanted, size_);) {
    const ssize_t got =
        pread(fd, static_cast<char*>(mapped) + filled, std::min(wanted, size_) - filled, static_cast<off_t>(filled));
    if (got <= 0) break;
    filled += static_cast<size_t>(got);
    if (filled >= kHeaderBytes) wanted = static_cast<const FileHeader*>(mapped)->claimed_bytes;
  }
  close(fd);
  if (mapped == MAP_FAILED || filled < kHeaderBytes) {
    problem("no header");
    return false;
  }
  data_ = static_cast<const uint8_t*>(mapped);
  std::memcpy(&header_, data_, sizeof(header_));
  // The magic is stored last: a process that is killed while it starts leaves a header without one.
  unborn_ = header_.magic == 0;
  if (unborn_) return false;
  if (header_.magic != kFileMagic) problem("bad magic");
  if (header_.version != kFormatVersion || header_.header_bytes != kHeaderBytes) problem("unknown version");
  return problem_count_ == 0;
}

std::string Trace::text(StringRef ref) const {
  if (uint64_t{ref.offset} + ref.bytes > kHeaderBytes) return "";
  return std::string(reinterpret_cast<const char*>(data_) + ref.offset, ref.bytes);
}

void Trace::find_chunks() {
  size_t end = std::min<uint64_t>(header_.claimed_bytes, header_.window_bytes);
  if (end > size_) problem(format("file has %zu bytes, %zu are claimed", size_, end));
  end = std::min(end, size_);
  for (size_t at = kHeaderBytes; at + kChunkAlignment <= end;) {
    ChunkHeader chunk;
    std::memcpy(&chunk, data_ + at, sizeof(chunk));
    if (chunk.magic == 0) {  // claimed, never begun: its writer was killed in between
      ++empty_units_;
      at += kChunkAlignment;
      continue;
    }
    if (!ChunkDecoder::valid_header(chunk) || at + chunk.bytes > end) {
      problem(format("bad chunk header at %zu", at));
      return;
    }
    streams_[chunk.stream].chunks.emplace_back(chunk.sequence, at);
    ++chunk_count_;
    at += chunk.bytes;
  }
  for (auto& [id, stream] : streams_) {
    std::sort(stream.chunks.begin(), stream.chunks.end());
    for (size_t i = 0; i < stream.chunks.size() && id < kOutsideStream; ++i)
      if (stream.chunks[i].first != i) {
        problem(format("stream %u: chunk %u where %zu is expected", id, stream.chunks[i].first, i));
        break;
      }
  }
}

// Whether the chunk's first record says that the stream changes to thread `serial` here.
bool begins_with_thread(ChunkDecoder decoder, uint64_t serial) {
  Event event;
  ThreadRecord record;
  return decoder.next(event) == ChunkDecoder::Status::kEvent && event.kind == Event::Kind::kSized &&
         event.tag == Tag::kThread && read_record(event.payload, record) && record.serial == serial;
}

// Reads the stream's next event into stream.event; false at its end.
bool Trace::advance(Stream& stream) {
  for (;;) {
    if (!stream.in_chunk) {
      if (stream.next_chunk == stream.chunks.size()) return !(stream.done = true);
      const size_t at = stream.chunks[stream.next_chunk++].second;
      ChunkHeader chunk;
      std::memcpy(&chunk, data_ + at, sizeof(chunk));
      stream.decoder = ChunkDecoder(data_ + at, chunk.bytes);
      if (merging_ && stream.next_chunk > 1 && chunk.thread != stream.thread &&
          !begins_with_thread(stream.decoder, chunk.thread))
        problem(format("chunk at %zu is of thread %u, its stream of %" PRIu64, at, chunk.thread, stream.thread));
      stream.thread = chunk.thread;
      stream.in_chunk = true;
    }
    switch (stream.decoder.next(stream.event)) {
      case ChunkDecoder::Status::kEvent:
        stream.time = stream.event.kind == Event::Kind::kRealloc ? stream.event.time_before : stream.event.time;
        return true;
      case ChunkDecoder::Status::kDamaged:
        problem(format("damaged chunk at %zu", stream.chunks[stream.next_chunk - 1].second));
        [[fallthrough]];
      case ChunkDecoder::Status::kEnd:
        stream.in_chunk = false;
    }
  }
}

// All nodes, wherever they were announced; and that within a stream no event comes before its node.
void Trace::collect_nodes() {
  std::unordered_map<uint32_t, std::pair<uint32_t, uint64_t>> early;  // node → (stream, event) of its first use
  std::unordered_map<uint32_t, uint32_t> announced_by;
  std::vector<std::pair<uint32_t, Node>> all;
  for (auto& [id, stream] : streams_) {
    uint64_t number = 0;
    while (advance(stream)) {
      const Event& event = stream.event;
      ++number;
      if (event.kind == Event::Kind::kNode) {
        const auto use = early.find(event.node);
        if (use != early.end() && use->second.first == id)
          problem(format("stream %u: node %u is used before it is announced", id, event.node));
        if (!announced_by.emplace(event.node, id).second) problem(format("node %u is announced twice", event.node));
        all.push_back({event.node, {event.parent, 0, event.pc}});
      } else if ((event.kind == Event::Kind::kAlloc || event.kind == Event::Kind::kRealloc) && event.node != 0 &&
                 announced_by.count(event.node) == 0) {
        early.emplace(event.node, std::make_pair(id, number));
      }
    }
    stream.next_chunk = 0;
    stream.done = false;
    stream.thread = 0;
  }
  // A parent's id is smaller than its child's.
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  nodes_.reserve(all.size());
  for (auto& [id, node] : all) {
    if (node.parent != 0) {
      const auto parent = nodes_.find(node.parent);
      if (parent == nodes_.end())
        problem(format("node %u has no parent %u", id, node.parent));
      else
        node.depth = parent->second.depth;
    }
    if (node.pc > kMaxCutPc) ++node.depth;
    nodes_.emplace(id, node);
  }
}

void Trace::use_node(uint32_t node) {
  if (node == 0) {
    ++no_stack_;
    return;
  }
  auto at = nodes_.find(node);
  if (at == nodes_.end()) return problem(format("an event names node %u, which is nowhere", node));
  deepest_ = std::max<uint64_t>(deepest_, at->second.depth);
  for (; at != nodes_.end() && at->second.parent != 0; at = nodes_.find(at->second.parent)) {
  }
  if (at != nodes_.end() && at->second.pc <= kMaxCutPc) ++cut_events_;
}

// The event about `address` that waits for one of another stream, if there is one.
bool Trace::take_waiting(const Stream& stream, uint64_t address, bool is_free) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& one) {
    return one.address == address && one.is_free == is_free && one.stream != &stream;
  });
  if (found == waiting_.end()) return false;
  waiting_.erase(found);
  ++repairs_;
  return true;
}

// What has waited in vain by `time`.
void Trace::expire_waiting(uint64_t time) {
  while (!waiting_.empty() && (time == UINT64_MAX || time - waiting_.front().time > kOrderSlackTicks)) {
    const Waiting one = waiting_.front();
    waiting_.pop_front();
    if (one.is_free) {
      if (++unknown_frees_ <= 10) unknown_.push_back(quoted(format("%#" PRIx64, one.address)));
    } else {
      ++over_live_;
      problem(format("block %#" PRIx64 " is allocated at %" PRIu64 " while it is live", one.address, one.time));
    }
  }
}

void Trace::begin_block(Stream& stream, uint64_t address, uint64_t size, uint32_t node) {
  ++threads_[stream.thread].allocations;
  if (address == history_of)
    std::printf("thread %" PRIu64 " tick %" PRIu64 " + %zu\n", stream.thread, stream.time, size_t{size});
  expire_waiting(stream.time);
  use_node(node);
  total_bytes_ += size;
  const auto [at, fresh] = live_.emplace(address, size);
  if (!fresh) {
    waiting_.push_back({address, stream.time, &stream, false});
    live_bytes_ -= at->second;
    at->second = size;
  }
  live_bytes_ += size;
  peak_bytes_ = std::max(peak_bytes_, live_bytes_);
  if (fresh && take_waiting(stream, address, true)) {
    live_bytes_ -= size;
    live_.erase(address);
  }
}

void Trace::end_block(Stream& stream, uint64_t address) {
  ++threads_[stream.thread].frees;
  if (address == history_of)
    std::printf("thread %" PRIu64 " tick %" PRIu64 " - %s\n", stream.thread, stream.time,
                stream.event.kind == Event::Kind::kRealloc ? "(realloc)" : "");
  expire_waiting(stream.time);
  const auto at = live_.find(address);
  if (at == live_.end()) {
    waiting_.push_back({address, stream.time, &stream, true});
    return;
  }
  if (take_waiting(stream, address, false)) return;  // the block before this one
  live_bytes_ -= at->second;
  live_.erase(at);
}

// Whether the stream's event is one that alternation expects now: what decides between equal times.
bool Trace::continues(const Stream& stream) const {
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

void Trace::apply_sized(Stream& stream) {
  const Event& event = stream.event;
  const auto read = [&](auto& record) {
    if (!read_record(event.payload, record)) problem(format("a record of kind %d is cut", static_cast<int>(event.tag)));
    return record;
  };
  switch (event.tag) {
    case Tag::kThread: {
      ThreadRecord record;
      read(record);
      stream.thread = record.serial;
      Thread& thread = threads_[record.serial];
      thread.tid = record.tid;
      thread.stack_low = record.stack_low;
      thread.stack_high = record.stack_high;
      thread.name.assign(reinterpret_cast<const char*>(record.name.data), record.name.size);
      break;
    }
    case Tag::kThreadName: {
      ThreadNameRecord record;
      read(record);
      threads_[record.serial].name.assign(reinterpret_cast<const char*>(record.name.data), record.name.size);
      break;
    }
    case Tag::kModuleLoad: {
      ModuleLoadRecord record;
      read(record);
      modules_.push_back(quoted(record.path));
      break;
    }
    case Tag::kModuleUnload:
      ++unloads_;
      break;
    case Tag::kSample: {
      SampleRecord record;
      read(record);
      ++samples_;
      break;
    }
    case Tag::kMark: {
      MarkRecord record;
      read(record);
      marks_.push_back(quoted(record.text));
      break;
    }
    case Tag::kFork: {
      ForkRecord record;
      read(record);
      forks_.push_back(std::to_string(record.pid));
      break;
    }
    case Tag::kExec: {
      ExecRecord record;
      read(record);
      execs_.push_back(quoted(record.path));
      break;
    }
    case Tag::kExecFailed:
      ++exec_failures_;
      break;
    case Tag::kSpawn: {
      SpawnRecord record;
      read(record);
      spawns_.push_back(Json('{').add("pid", record.pid).raw("path", quoted(record.path)).str());
      break;
    }
    case Tag::kMap: {
      MapRecord record;
      read(record);
      ++maps_;
      if (record.node != 0) use_node(static_cast<uint32_t>(record.node));
      break;
    }
    case Tag::kUnmap:
      ++unmaps_;
      break;
    case Tag::kRemap:
      ++remaps_;
      break;
    case Tag::kLifeEnd: {
      LifeEndRecord record;
      read(record);
      life_end_kind_ = record.kind;
      life_end_status_ = record.status;
      end_allocations_ = allocs_ + reallocs_;
      end_frees_ = frees_ + reallocs_;
      end_live_bytes_ = live_bytes_;
      end_live_blocks_ = live_.size();
      break;
    }
    default:
      break;
  }
}

void Trace::apply(Stream& stream) {
  const Event& event = stream.event;
  if (event.timed && !stream.second_half) ++timed_;
  switch (event.kind) {
    case Event::Kind::kAlloc:
      ++allocs_;
      begin_block(stream, event.address, event.size, event.node);
      break;
    case Event::Kind::kFree:
      ++frees_;
      end_block(stream, event.address);
      break;
    case Event::Kind::kRealloc:  // its two halves have times of their own
      if (!stream.second_half) {
        end_block(stream, event.old_address);
        stream.second_half = true;
        stream.time = event.time;
        return;
      }
      ++reallocs_;
      begin_block(stream, event.address, event.size, event.node);
      break;
    case Event::Kind::kNode:
      break;
    case Event::Kind::kSized:
      apply_sized(stream);
      break;
  }
  stream.second_half = false;
  advance(stream);
}

void Trace::check() {
  find_chunks();
  collect_nodes();
  merging_ = true;
  std::vector<Stream*> open;
  for (auto& [id, stream] : streams_) {
    if (advance(stream)) open.push_back(&stream);
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
  if (life_end_kind_ == 0) {
    end_allocations_ = allocs_ + reallocs_;
    end_frees_ = frees_ + reallocs_;
    end_live_bytes_ = live_bytes_;
    end_live_blocks_ = live_.size();
  }
}

std::string list(const std::vector<std::string>& items) {
  Json out('[');
  for (const std::string& item : items) out.item(item);
  return out.str();
}

std::string Trace::report() const {
  Json out('{');
  out.add("path", path_)
      .add("unborn", unborn_ ? 1 : 0)
      .add("pid", header_.pid)
      .add("parent_pid", header_.parent_pid)
      .add("image", header_.image);
  out.add("trace_id", header_.trace_id).add("parent_trace_id", header_.parent_trace_id);
  out.add("session_id", header_.session_id).add("forked", header_.flags & kHeaderFlagForked);
  out.add("end_kind", header_.end_kind).add("end_code", static_cast<uint32_t>(header_.end_code));
  out.add("stop_reason", header_.stop_reason).add("stop_errno", static_cast<uint32_t>(header_.stop_errno));
  out.add("executable", text(header_.executable)).add("command_line", text(header_.command_line));
  out.add("working_directory", text(header_.working_directory));
  out.add("allocator", text(header_.allocator)).add("operator_new", text(header_.operator_new));
  out.add("file_bytes", size_).add("disk_bytes", disk_bytes_).add("claimed_bytes", header_.claimed_bytes);
  out.add("chunks", chunk_count_).add("empty_units", empty_units_).add("streams", streams_.size());
  Json lost('[');
  for (uint64_t count : header_.lost) lost.item(std::to_string(count));
  out.raw("lost", lost.str());
  Json unwind('{');
  const char* const names[] = {"events", "differences", "slow_path", "cut", "distinct_pcs", "unchecked"};
  for (size_t i = 0; i < std::size(names); ++i) unwind.add(names[i], header_.unwind_check[i]);
  out.raw("unwind_check", unwind.str());
  out.add("allocations", allocs_ + reallocs_).add("frees", frees_ + reallocs_).add("reallocs", reallocs_);
  out.add("unknown_frees", unknown_frees_)
      .add("allocated_over_live", over_live_)
      .add("order_repairs", repairs_)
      .add("timed", timed_);
  out.add("total_bytes", total_bytes_).add("peak_live_bytes", peak_bytes_);
  out.add("live_bytes", live_bytes_).add("live_blocks", live_.size());
  out.add("end_allocations", end_allocations_).add("end_frees", end_frees_);
  out.add("end_live_bytes", end_live_bytes_).add("end_live_blocks", end_live_blocks_);
  out.add("life_end_kind", life_end_kind_).add("life_end_status", life_end_status_);
  out.add("nodes", nodes_.size()).add("deepest", deepest_).add("cut_events", cut_events_).add("no_stack", no_stack_);
  out.add("samples", samples_).add("maps", maps_).add("unmaps", unmaps_).add("remaps", remaps_);
  out.raw("unknown_freed", list(unknown_))
      .raw("modules", list(modules_))
      .add("module_unloads", unloads_)
      .raw("marks", list(marks_));
  out.raw("forks", list(forks_)).raw("spawns", list(spawns_)).raw("execs", list(execs_));
  out.add("exec_failures", exec_failures_);
  Json threads('[');
  for (const auto& [serial, thread] : threads_) {
    Json one('{');
    one.add("serial", serial).add("tid", thread.tid).add("name", thread.name);
    one.add("allocations", thread.allocations).add("frees", thread.frees);
    one.add("stack_low", thread.stack_low).add("stack_high", thread.stack_high);
    threads.item(one.str());
  }
  out.raw("threads", threads.str());
  std::vector<std::string> problems;
  for (const std::string& text : problems_) problems.push_back(quoted(text));
  out.add("problem_count", problem_count_).raw("problems", list(problems));
  return out.str();
}

}  // namespace

int main(int argument_count, char** arguments) {
  bool good = argument_count > 1;
  if (!good) std::fputs("usage: trace_check [--history ADDRESS] TRACE...\n", stderr);
  uint64_t history_of = 0;
  for (int i = 1; i < argument_count; ++i) {
    if (std::strcmp(arguments[i], "--history") == 0 && i + 1 < argument_count) {
      history_of = std::strtoull(arguments[++i], nullptr, 16);
      continue;
    }
    Trace trace;
    trace.history_of = history_of;
    if (trace.open(arguments[i])) trace.check();
    std::puts(trace.report().c_str());
    good = good && trace.problem_count() == 0;
  }
  return good ? 0 : 1;
}

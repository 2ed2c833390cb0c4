// Reading a trace into memory: the file, its chunks by stream, the events of one stream, and the call tree. Structure
// is checked on the way: each stream's chunks are numbered 0, 1, 2… without a gap; no chunk is damaged; THREAD records
// and chunk headers agree; every node that a node names is in the trace, and within one stream a node is announced
// before an event names it.
//
// Two passes, because a node may be announced in another stream than the one that uses it: the first collects all
// nodes, the second is the merge, which asks for one event after another. Memory: the file and the call tree.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "trace_check.h"

namespace tidemark::trace_check {

using namespace tidemark::trace;

std::string format(const char* pattern, ...) {
  char text[512];
  va_list list;
  va_start(list, pattern);
  std::vsnprintf(text, sizeof(text), pattern, list);
  va_end(list);
  return text;
}

namespace {

// Whether the chunk's first record says that the stream changes to thread `serial` here.
// An empty one may lack that: exec, or a kill, ended the thread before it had written its record.
bool begins_with_thread(ChunkDecoder decoder, uint64_t serial) {
  Event event;
  ThreadRecord record;
  const ChunkDecoder::Status status = decoder.next(event);
  if (status == ChunkDecoder::Status::kEnd) return true;
  return status == ChunkDecoder::Status::kEvent && event.kind == Event::Kind::kSized && event.tag == Tag::kThread &&
         read_record(event.payload, record) && record.serial == serial;
}

}  // namespace

bool Trace::open(const char* file) {
  path = file;
  const int fd = ::open(file, O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || fstat(fd, &status) != 0) {
    problem("cannot be opened");
    return false;
  }
  // Killed between the file's creation and its growth.
  if (status.st_size == 0) {
    close(fd);
    unborn = true;
    return false;
  }
  size = static_cast<size_t>(status.st_size);
  disk_bytes = static_cast<uint64_t>(status.st_blocks) * 512;
  // Read, not mapped: touching a hole of a file on a full tmpfs is SIGBUS. Only what is claimed is there to be read.
  void* mapped = mmap(nullptr, std::max(size, kHeaderBytes), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  size_t filled = 0;
  for (size_t wanted = kHeaderBytes; mapped != MAP_FAILED && filled < std::min(wanted, size);) {
    const ssize_t got =
        pread(fd, static_cast<char*>(mapped) + filled, std::min(wanted, size) - filled, static_cast<off_t>(filled));
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
  std::memcpy(&header, data_, sizeof(header));
  // The magic is stored last: a process that is killed while it starts leaves a header without one.
  unborn = header.magic == 0;
  if (unborn) return false;
  if (header.magic != kFileMagic) problem("bad magic");
  if (header.version != kFormatVersion || header.header_bytes != kHeaderBytes) problem("unknown version");
  return problem_count == 0;
}

std::string Trace::text(StringRef ref) const {
  if (uint64_t{ref.offset} + ref.bytes > kHeaderBytes) return "";
  return std::string(reinterpret_cast<const char*>(data_) + ref.offset, ref.bytes);
}

void Trace::find_chunks() {
  size_t end = std::min<uint64_t>(header.claimed_bytes, header.window_bytes);
  if (end > size) problem(format("file has %zu bytes, %zu are claimed", size, end));
  end = std::min(end, size);
  for (size_t at = kHeaderBytes; at + kChunkAlignment <= end;) {
    ChunkHeader chunk;
    std::memcpy(&chunk, data_ + at, sizeof(chunk));
    if (chunk.magic == 0) {  // claimed, never begun: its writer was killed in between
      ++empty_units;
      at += kChunkAlignment;
      continue;
    }
    if (!ChunkDecoder::valid_header(chunk) || at + chunk.bytes > end) {
      problem(format("bad chunk header at %zu", at));
      return;
    }
    streams[chunk.stream].chunks.emplace_back(chunk.sequence, at);
    ++chunk_count;
    at += chunk.bytes;
  }
  for (auto& [id, stream] : streams) {
    std::sort(stream.chunks.begin(), stream.chunks.end());
    for (size_t i = 0; i < stream.chunks.size() && id < kOutsideStream; ++i)
      if (stream.chunks[i].first != i) {
        problem(format("stream %u: chunk %u where %zu is expected", id, stream.chunks[i].first, i));
        break;
      }
  }
}

bool Trace::advance(Stream& stream) {
  for (;;) {
    if (!stream.in_chunk) {
      if (stream.next_chunk == stream.chunks.size()) return !(stream.done = true);
      const size_t at = stream.chunks[stream.next_chunk++].second;
      ChunkHeader chunk;
      std::memcpy(&chunk, data_ + at, sizeof(chunk));
      stream.decoder = ChunkDecoder(data_ + at, chunk.bytes);
      if (indexed_ && stream.next_chunk > 1 && chunk.thread != stream.thread &&
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
  for (auto& [id, stream] : streams) {
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
  nodes.reserve(all.size());
  for (auto& [id, node] : all) {
    if (node.parent != 0) {
      const auto parent = nodes.find(node.parent);
      if (parent == nodes.end())
        problem(format("node %u has no parent %u", id, node.parent));
      else
        node.depth = parent->second.depth;
    }
    if (node.pc > kMaxCutPc) ++node.depth;
    nodes.emplace(id, node);
  }
}

void Trace::index() {
  find_chunks();
  collect_nodes();
  indexed_ = true;
}

}  // namespace tidemark::trace_check

// What trace_check's parts share: a trace in memory (Trace, trace_reader.cpp), what its merged events add up to
// (Findings, trace_merge.cpp), and the call that leads from one to the other. trace_check.cpp prints both.
//
// The tests have this reader beside the analyzer's so that a mistake in one shows as a difference between the two. They
// share the decoder of chunks and records, nothing after it. One thread; a Trace stays where it is once it is open,
// because streams are known by their address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "trace/chunk_decoder.h"
#include "trace/format.h"
#include "trace/records.h"

namespace tidemark::trace_check {

// printf into a string; what is longer than 511 bytes is cut.
std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));

struct Node {
  uint32_t parent, depth;
  uint64_t pc;
};

// One stream: its chunks in sequence, read event by event.
struct Stream {
  std::vector<std::pair<uint32_t, size_t>> chunks;  // (sequence, file offset)
  size_t next_chunk = 0;
  trace::ChunkDecoder decoder;
  bool in_chunk = false, second_half = false, done = false;
  uint64_t thread = 0, time = 0;  // time: ticks
  trace::Event event;
};

// A trace file: its header, where its chunks are, its call tree, and the problems found by anyone so far.
class Trace {
 public:
  // Reads the file; false if there is nothing to check: it never began, or a problem says what is wrong with it.
  bool open(const char* path);
  // After open: finds the chunks of every stream and all nodes, and rewinds the streams to their first event.
  void index();
  // Reads the stream's next event into stream.event; false at its end. After index, the caller keeps stream.thread in
  // step with THREAD records, and chunk headers are held against it.
  bool advance(Stream& stream);
  // A text of the file's header; empty if it is out of bounds.
  std::string text(trace::StringRef ref) const;
  // Counts a problem and keeps the text of the first 20.
  void problem(const std::string& text) {
    if (problem_count++ < 20) problems.push_back(text);
  }

  std::string path;
  bool unborn = false;  // its process was killed before the header was complete
  size_t size = 0;
  uint64_t disk_bytes = 0, chunk_count = 0, empty_units = 0;
  trace::FileHeader header{};
  std::map<uint32_t, Stream> streams;
  std::unordered_map<uint32_t, Node> nodes;
  std::vector<std::string> problems;
  size_t problem_count = 0;

 private:
  void find_chunks();
  void collect_nodes();

  const uint8_t* data_ = nullptr;  // never unmapped: the tool ends soon
  bool indexed_ = false;
};

struct Thread {
  uint64_t tid = 0, allocations = 0, frees = 0, stack_low = 0, stack_high = 0;
  std::string name;
};

struct Spawn {
  uint64_t pid;
  std::string path;
};

// What the events of a trace add up to.
struct Findings {
  std::map<uint64_t, Thread> threads;  // by serial
  std::vector<std::string> modules, marks, execs;
  std::vector<uint64_t> forks;  // pids
  std::vector<Spawn> spawns;
  std::vector<uint64_t> unknown_addresses;  // of the first 10 unknown frees

  uint64_t plain_allocations = 0, plain_frees = 0, reallocs = 0;  // a realloc is one more of either
  uint64_t unknown_frees = 0, allocated_over_live = 0, order_repairs = 0, timed = 0;
  uint64_t live_bytes = 0, live_blocks = 0, peak_live_bytes = 0, total_bytes = 0;
  uint64_t samples = 0, unloads = 0, exec_failures = 0, maps = 0, unmaps = 0, remaps = 0;
  uint64_t cut_events = 0, no_stack = 0, deepest = 0;
  // As of the LIFE_END record, or of the last event if there is none.
  uint64_t life_end_kind = 0, life_end_status = 0;
  uint64_t end_allocations = 0, end_frees = 0, end_live_bytes = 0, end_live_blocks = 0;

  uint64_t allocations() const { return plain_allocations + reallocs; }
  uint64_t frees() const { return plain_frees + reallocs; }
};

// Merges the streams of an indexed trace by time and checks that addresses alternate; problems go to the trace. Prints
// the events of the block at history_of; 0 is no block.
Findings merge_events(Trace& trace, uint64_t history_of);

}  // namespace tidemark::trace_check

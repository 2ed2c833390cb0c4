// The picture of a process's memory that a heap snapshot is made of: the memory map, the threads, which pages are in
// memory, and every word that may point to the heap. Written as records (trace/records.h, "In pictures only") by a copy
// of the process (preload/), or by another process while the recorded one sleeps (analyzer/).
//
// Blocks are not known here: the analyzer rebuilds them from the events. So all writable memory is looked through, and
// every aligned word whose value lies in a region that may hold blocks is written with its address.
// Cost: 0.2 s per GB looked through, 4 to 5 ns and 2 to 5 bytes per word found; memory for the map's lines only.
//
// For the preload library: no libstdc++, no libc state, no locks; memory comes from `map_memory`. Reads cannot fault:
// pages that are not there are known from the kernel's page map, and what may vanish is copied by the kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "picture/resident_linux.h"
#include "trace/records.h"

namespace tidemark::picture {

// General registers, the call's arguments or the lower halves of vector registers.
inline constexpr size_t kMaxRegisters = 64;

struct Thread {
  uint32_t tid = 0;
  trace::PictureThreadRecord::Kind kind = trace::PictureThreadRecord::kStopped;
  uint64_t sp = 0, pc = 0, bp = 0;
  uint64_t thread_pointer = 0;  // 0: not known
  uint64_t registers[kMaxRegisters] = {};
  size_t register_count = 0;
  uint64_t switches = 0;  // context switches when it was read asleep
  bool held = false;      // stopped by us
  int signal = 0;         // that it was about to get when it was stopped
};

// Where records go: chunks of the trace.
struct ChunkSource {
  void* context = nullptr;
  // Memory for a chunk of `bytes` (a multiple of trace::kChunkAlignment), with the first ones zero; nullptr: no more
  // room. One at a time.
  uint8_t* (*claim)(void* context, size_t bytes) noexcept = nullptr;
  // The first `used` bytes of it are to go to the trace, the others are nothing. 0, or an errno.
  int (*done)(void* context, size_t used) noexcept = nullptr;
};

struct Job {
  uint64_t id = 0;
  trace::SnapshotReason reason = {};
  uint64_t cut = 0;  // ticks
  // 0: this process's own memory is the picture, nothing else runs in it. Else that of a process that sleeps.
  uint32_t memory_of = 0;
  // Whose page map tells which pages of mapped files are in memory: a copy's own does not.
  uint32_t files_of = 0;
  uint64_t own_start = 0, own_end = 0;  // the recorder's window
  uint64_t own_used = 0;                // of the window: behind it there is nothing, or what only the copy mapped
  // Bytes of the trace file's pages that are in memory; or, for a process that sleeps, 0 and how long the file is, as
  // its mapping is far larger.
  uint64_t trace_resident = 0, trace_bytes = 0;
  uint64_t trace_claimed = 0;  // bytes of the trace that were being made present at the cut
  Resident resident;           // of the process, at the cut
  const Thread* threads = nullptr;
  size_t thread_count = 0;
  // Fills `pairs` with up to `most` pairs of pc and frame end, innermost first; returns their number. May be nullptr.
  size_t (*frames_of)(const Thread& thread, uint64_t* pairs, size_t most) noexcept = nullptr;
  // What the kernel keeps of the process's pointers (epoll's data).
  const uint64_t* kernel_words = nullptr;
  size_t kernel_word_count = 0;
  // Where the streams of events end (StreamCutRecord), for pictures read from outside.
  const trace::StreamCutRecord* stream_cuts = nullptr;
  size_t stream_cut_count = 0;
  ChunkSource chunks;
  // The pages of files have been counted: the process `files_of` is not needed any more. With the context of `chunks`.
  // May be nullptr.
  void (*pages_counted)(void* context) noexcept = nullptr;
  uint64_t (*now_ticks)() noexcept = nullptr;
  void* (*map_memory)(size_t bytes) noexcept = nullptr;  // zeroed; nullptr: none
};

// 0, or the errno that cut the picture short.
int write_picture(const Job& job) noexcept;

// The pointers that the process's epoll descriptors hold, from /proc/PID/fdinfo; `pid` 0: this process. At most `most`.
size_t read_epoll_words(uint32_t pid, uint64_t* words, size_t most) noexcept;

}  // namespace tidemark::picture

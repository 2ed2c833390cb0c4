// Replays a trace from its first event to its last. Streaming: memory is bounded by the blocks that live at a time, the
// call tree and the streams that are active at a time, never by the trace's length.
#pragma once

#include <cstdint>
#include <functional>

#include "analyzer/replay/cut.h"
#include "analyzer/replay/recording.h"
#include "analyzer/replay/trace_file.h"

namespace tidemark::replay {

struct ReplayOptions {
  // Called after every chunk with the bytes replayed and their sum.
  std::function<void(uint64_t done, uint64_t total)> progress;
  // Events after this tick are left out. A trace that is still being written is read up to the moment at which it was
  // opened: streams that are read later would otherwise hold frees of blocks whose allocation is not there yet.
  uint64_t until_ticks = UINT64_MAX;
  // Called for the whole pictures of the heap, by their cuts (cut.h). Without it pictures are only listed.
  std::function<void(CutHeap&)> on_cut;
  // Called when the program's life ends, at the tick `time`, or at the last event without such an end.
  std::function<void(const LiveMap& live, uint64_t time)> on_end;
};

Recording replay(const TraceFile& file, const ReplayOptions& options);

}  // namespace tidemark::replay

// The records that are no heap events: threads, modules, samples, marks, the end of life, mappings. Rare, so nothing
// here is hot. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/replay/heap.h"
#include "analyzer/replay/module_table.h"
#include "analyzer/replay/program_maps.h"
#include "analyzer/replay/recording.h"
#include "trace/records.h"

namespace tidemark::replay {

class RecordReader {
 public:
  // `clock` and `heap` must outlive this.
  RecordReader(const trace::FileHeader& header, Clock& clock, Heap& heap);

  // Applies a record of stream-thread `thread` (which a THREAD record changes). True: it was a heap event (a mapping).
  bool read(trace::Tag tag, uint64_t time, trace::Bytes payload, uint32_t& thread);

  const ModuleTable& modules() const noexcept { return modules_; }
  const ProgramMaps& maps() const noexcept { return maps_; }
  bool life_ended() const noexcept { return end_.has_value(); }

  // Called at the end of the program's life, or by finish().
  void on_end(std::function<void(uint64_t time)> callback) { on_end_ = std::move(callback); }

  // Fills in what was gathered. Captures the end here, if the program's life did not end before.
  void finish(Recording& recording);

 private:
  void sample(uint64_t time, const trace::SampleRecord& record);
  void mark(uint64_t time, const trace::MarkRecord& record);
  void snapshot(const trace::SnapshotRecord& record);
  void skipped_snapshot(const trace::SnapshotSkippedRecord& record);
  void capture_end(uint64_t time);

  Clock& clock_;
  Heap& heap_;
  ProgramMaps maps_;
  ModuleTable modules_;
  std::vector<RecordedMark> marks_;
  size_t first_open_mark_ = 0;  // marks from here on may still get a nearer sample
  uint64_t dropped_marks_ = 0;
  Samples samples_;
  std::optional<ProcessSample> last_sample_;
  uint64_t waits_ = 0;  // as it says
  std::optional<MemoryLimits> limits_;
  std::optional<EndState> end_;
  bool end_sample_open_ = false;
  std::optional<std::string> exec_path_;
  std::vector<Snapshot> snapshots_;
  std::vector<SkippedSnapshots> skipped_;
  std::function<void(uint64_t time)> on_end_;
  uint64_t damaged_ = 0;
};

}  // namespace tidemark::replay

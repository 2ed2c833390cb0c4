#include "analyzer/ledger/ledger.h"

#include <algorithm>
#include <numeric>

namespace tidemark::ledger {

void account(const replay::Recording& recording, model::Memory& memory) {
  if (!recording.samples.at_end) return;
  const replay::ProcessSample& sample = *recording.samples.at_end;
  memory.rss_bytes_at_end = sample.rss;
  // Samples from outside do not know what the recorder holds.
  if (sample.recorder_bytes != 0) memory.recorder_bytes_at_end = sample.recorder_bytes;

  // The trace's pages are file pages to the kernel (on tmpfs shared ones), and the recorder's here.
  const uint64_t files = sample.rss_file + sample.rss_shmem;
  memory.ledger = {
      {"live blocks (bytes asked for)", recording.end.live_bytes},
      {"recorder", sample.recorder_bytes},
      {"mapped files and shared memory", files - std::min(files, sample.recorder_trace_bytes)},
  };
  const uint64_t known = std::accumulate(memory.ledger.begin(), memory.ledger.end(), uint64_t{0},
                                         [](uint64_t sum, const model::LedgerRow& row) { return sum + row.bytes; });
  // Negative: live blocks hold pages that were never touched, or are swapped out.
  memory.unexplained_bytes = static_cast<int64_t>(sample.rss - known);
}

}  // namespace tidemark::ledger

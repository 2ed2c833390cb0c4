// Writes traces of many kinds into a folder, for report_command_test.py: write_sample_traces FOLDER
#include <cstdio>
#include <string>

#include "tests/unit/analyzer/trace_builder.h"

namespace {

using namespace tidemark;
using testing::TraceBuilder;

constexpr uint64_t kStart = TraceBuilder::kStartTicks;
constexpr uint64_t kSecond = TraceBuilder::kTicksPerSecond;

void fill(TraceBuilder& trace, uint64_t pid, uint64_t id, uint64_t parent) {
  trace.header().pid = static_cast<uint32_t>(pid);
  trace.header().trace_id = id;
  trace.header().parent_trace_id = parent;
  trace.header().start_realtime_ns += static_cast<int64_t>(id);
  trace.set_allocator("/lib/libc.so.6", "");
  auto& main = trace.stream(0)
                   .thread(1, pid, "main")
                   .module(kStart + 1, 0, 0x10000, 0x90000, 0x10000, "/bin/program", "\x01\xab");
  for (uint32_t node = 1; node <= 60; ++node) main.node(node, node / 2, 0x10000 + 0x100 * node);
  trace::SampleRecord sample;
  sample.monotonic_ns = 5'500'000'000;
  sample.rss = 20 << 20;
  sample.rss_anon = 15 << 20;
  sample.rss_file = 5 << 20;
  sample.high_water = sample.max_rss = 21 << 20;
  sample.recorder_bytes = 1 << 20;
  sample.recorder_trace_bytes = 1 << 19;
  trace::MapRecord map;
  map.address = 0x700000;
  map.size = 0x10000;
  for (uint64_t i = 0; i < 2000; ++i) {
    const uint64_t time = kStart + kSecond * i / 1000;
    main.alloc(time + 10, 0x40000000 + i * 64, 40 + i, static_cast<uint32_t>(1 + i % 60));
    if (i % 2 == 0) main.free(0, 0x40000000 + i * 64);
    if (i == 500) main.record(time + 20, sample).record(time + 21, map);
    if (i % 400 == 0) main.mark(time + 30, i == 800 ? "umlaut \xc3\xbc, broken \xff, \"quoted\"" : "step");
  }
  trace.stream(1)
      .thread(2, pid + 1, "worker")
      .alloc(kStart + kSecond, 0x60000000, 3 << 20, 7)
      .free(kStart + kSecond + 5, 0x12340);
  main.life_end(kStart + 2 * kSecond).free(kStart + 2 * kSecond + 10, 0x40000000 + 64);
}

}  // namespace

int main(int count, char** values) {
  if (count != 2) {
    std::fputs("write_sample_traces FOLDER\n", stderr);
    return 2;
  }
  const std::string folder = std::string(values[1]) + "/";
  {
    TraceBuilder trace;
    fill(trace, 4'000'000, 1, 0);
    trace.write(folder + "whole");
  }
  {
    TraceBuilder trace;
    fill(trace, 4'000'001, 2, 1);
    trace.header().end_kind = static_cast<uint32_t>(trace::EndKind::kSignaled);
    trace.header().end_code = 11;
    trace.header().flags = trace::kHeaderFlagForked | trace::kHeaderFlagCheckUnwind;
    trace.header().unwind_check[0] = 1000;
    trace.write(folder + "child");
  }
  {
    TraceBuilder trace;
    fill(trace, 4'000'002, 3, 1);
    trace.header().end_kind = 0;
    trace.header().stop_reason = static_cast<uint32_t>(trace::StopReason::kTraceCap);
    trace.header().stop_ticks = kStart + kSecond;
    trace.header().lost[0] = 5;
    trace.write(folder + "killed");
  }
  {
    TraceBuilder trace;
    fill(trace, 4'000'000, 4, 1);
    trace.header().end_kind = static_cast<uint32_t>(trace::EndKind::kReplaced);
    trace.header().image = 1;
    trace::ExecRecord exec;
    exec.path = trace::Bytes::of("/bin/next");
    trace.stream(0).record(kStart + 3 * kSecond, exec, exec.path.size);
    trace.write(folder + "replaced");
  }
  TraceBuilder empty;
  empty.header().trace_id = 5;
  empty.header().start_realtime_ns += 5;
  empty.write(folder + "empty");
  return 0;
}

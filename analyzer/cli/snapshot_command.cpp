#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "analyzer/base/process.h"
#include "analyzer/base/units.h"
#include "analyzer/cli/commands.h"
#include "analyzer/launch/outside_picture.h"
#include "analyzer/launch/outside_trace.h"
#include "analyzer/replay/trace_file.h"
#include "trace/chunk_decoder.h"

namespace tidemark::cli {
namespace {

// A process that does anything with its heap answers at once, by its next event.
constexpr auto kPatience = std::chrono::milliseconds(50);
constexpr auto kStep = std::chrono::milliseconds(1);
constexpr int kTriesAsleep = 5;

// Whether the process itself takes the snapshot that it was asked for.
class Request {
 public:
  explicit Request(launch::OutsideTrace& trace)
      : trace_(trace), refused_before_(trace.refused_snapshots()), number_(trace.ask_for_snapshot()) {}

  bool taken() const {
    for (auto waited = std::chrono::milliseconds(0);; waited += kStep) {
      if (static_cast<int32_t>(trace_.answered_snapshots() - number_) >= 0)
        return trace_.refused_snapshots() == refused_before_;
      if (waited >= kPatience) return false;
      std::this_thread::sleep_for(kStep);
    }
  }

  // It need not any more.
  void withdraw() { trace_.answer_snapshots(number_); }

 private:
  launch::OutsideTrace& trace_;
  uint32_t refused_before_, number_;
};

// Where each stream of events ends now.
std::vector<trace::StreamCutRecord> stream_ends(const std::string& path) {
  std::vector<trace::StreamCutRecord> ends;
  const Result<replay::TraceFile> file = replay::TraceFile::open(path);
  if (!file) return ends;
  std::vector<uint8_t> buffer;
  for (const replay::StreamPlace& stream : file->streams()) {
    if (stream.stream >= trace::kPictureStream || stream.chunks.empty()) continue;
    const replay::ChunkPlace& last = stream.chunks.back();
    buffer.assign(last.bytes, 0);
    if (!file->read(last, buffer.data())) continue;
    trace::ChunkDecoder decoder(buffer.data(), buffer.size());
    trace::Event event;
    while (decoder.next(event) == trace::ChunkDecoder::Status::kEvent) {
    }
    trace::StreamCutRecord end;
    end.stream = stream.stream;
    end.sequence = last.sequence;
    end.offset = decoder.offset();
    ends.push_back(end);
  }
  return ends;
}

}  // namespace

int snapshot(const SnapshotCommand& command) {
  const auto pid = static_cast<pid_t>(command.pid);
  const auto fail = [](const std::string& text) {
    complain("snapshot: " + text);
    return kFailed;
  };
  if (!process_state(command.pid)) return fail(fmt::format("there is no process {}", pid));
  const auto path = launch::find_trace_of(pid);
  if (!path) return fail(fmt::format("process {} writes no trace (not recorded, or not ours to look at)", pid));
  Result<launch::OutsideTrace> trace = launch::OutsideTrace::open(*path);
  if (!trace) return fail(trace.error().text);

  Request request(*trace);
  if (request.taken()) {
    fmt::print("process {} took a heap snapshot into {}\n", pid, *path);
    return 0;
  }
  // It does nothing with its heap (it sleeps, or computes), or it could not copy itself.
  launch::OutsidePicture taken;
  for (int attempt = 0; attempt <= kTriesAsleep; ++attempt) {
    const bool hold = attempt == kTriesAsleep;
    taken = launch::take_outside_picture(*trace, pid, stream_ends(*path), hold);
    if (taken.outcome != launch::OutsidePicture::Outcome::kWokeUp) break;
    // It woke up, so that it may have answered itself.
    if (request.taken()) {
      fmt::print("process {} took a heap snapshot into {}\n", pid, *path);
      return 0;
    }
  }
  if (taken.outcome != launch::OutsidePicture::Outcome::kTaken)
    return fail(taken.problem.empty() ? fmt::format("process {} woke up each time", pid) : taken.problem);
  request.withdraw();
  fmt::print("a heap snapshot of process {} was read in {} while it {}, into {}\n", pid, format_seconds(taken.seconds),
             taken.held ? "was held" : "slept", *path);
  return 0;
}

}  // namespace tidemark::cli

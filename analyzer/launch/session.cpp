#include "analyzer/launch/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <set>
#include <string_view>
#include <thread>

#include "analyzer/base/file.h"
#include "analyzer/base/process.h"

namespace tidemark::launch {
namespace {

constexpr auto kPictureWait = std::chrono::milliseconds(1);
constexpr unsigned kGoneReadings = 100;

using trace::EndKind;
using trace::FileHeader;

void set_end(SessionTrace& trace, EndKind kind, int code) {
  if (trace.header.end_kind == static_cast<uint32_t>(kind) && trace.header.end_code == code) return;
  const Result<File> file = File::open_regular(trace.path, O_WRONLY | O_NOFOLLOW);
  if (!file) return;
  trace.header.end_kind = static_cast<uint32_t>(kind);
  trace.header.end_code = code;
  // The code first: a reader that sees the kind sees its code.
  if (!file->write_at(offsetof(FileHeader, end_code), &trace.header.end_code, sizeof(trace.header.end_code))) return;
  (void)file->write_at(offsetof(FileHeader, end_kind), &trace.header.end_kind, sizeof(trace.header.end_kind));
}

void trim(const SessionTrace& trace) {
  const Result<File> file = File::open_regular(trace.path, O_RDWR | O_NOFOLLOW);
  if (!file) return;
  FileHeader header{};
  const Result<size_t> got = file->read_at(0, &header, sizeof(header));
  const Result<uint64_t> size = file->size();
  if (!got || *got < sizeof(header) || !size || header.magic != trace::kFileMagic) return;
  const uint64_t used = std::min(header.claimed_bytes, header.window_bytes);
  // A chunk of ours that the recorder's own trimming cut off comes back as zeros, which readers step over.
  if (used < header.header_bytes || used == *size) return;
  [[maybe_unused]] const int result = ::ftruncate(file->descriptor(), static_cast<off_t>(used));
}

}  // namespace

std::vector<std::string> name_patterns(const std::string& output_pattern) {
  std::string name;
  for (size_t i = 0; i < output_pattern.size(); ++i) {
    const char c = output_pattern[i];
    const char after = i + 1 < output_pattern.size() ? output_pattern[i + 1] : char{0};
    if (c == '%' && (after == 'p' || after == 'e')) {
      name += '*';
      ++i;
    } else if (c == '%' && after == '%') {
      name += '%';
      ++i;
    } else if (std::string_view("*?[]\\{}~").find(c) != std::string_view::npos) {
      name += '\\';
      name += c;
    } else {
      name += c;
    }
  }
  // A taken name gets .PID.N behind it.
  return {name, name + ".*.*"};
}

std::vector<SessionTrace> traces_of(uint64_t session, const std::string& output_pattern) {
  std::set<std::string> paths;
  for (const std::string& pattern : name_patterns(output_pattern)) {
    glob_t found{};
    if (::glob(pattern.c_str(), GLOB_NOSORT | GLOB_PERIOD, nullptr, &found) == 0) {
      for (size_t i = 0; i < found.gl_pathc; ++i) paths.insert(found.gl_pathv[i]);
    }
    ::globfree(&found);
  }
  std::vector<SessionTrace> traces;
  for (const std::string& path : paths) {
    const Result<File> file = File::open_regular(path, O_RDONLY | O_NOFOLLOW);
    if (!file) continue;
    SessionTrace trace;
    const Result<size_t> got = file->read_at(0, &trace.header, sizeof(trace.header));
    if (!got || *got < sizeof(trace.header) || trace.header.magic != trace::kFileMagic ||
        trace.header.session_id != session)
      continue;
    trace.path = path;
    trace.running = trace.header.end_kind == 0 && process_lives(trace.header.pid, trace.header.process_start);
    traces.push_back(std::move(trace));
  }
  std::sort(traces.begin(), traces.end(), [](const SessionTrace& a, const SessionTrace& b) {
    if (a.header.start_realtime_ns != b.header.start_realtime_ns)
      return a.header.start_realtime_ns < b.header.start_realtime_ns;
    return a.path < b.path;
  });
  return traces;
}

namespace {

// Whether a process is one of the recorder's copies: the number that a trace states may be anybody's by now.
bool writes_picture(uint32_t pid) {
  const auto state = process_state(pid);
  return state && state->state != 'Z' && state->state != 'X' &&
         read_small_file(fmt::format("/proc/{}/comm", pid), 64) == "tidemark-snap\n";
}

}  // namespace

// A copy of the process goes on writing its picture when the process is gone; unless it was killed, too.
void wait_for_pictures(const std::string& path) {
  const Result<File> file = File::open_regular(path, O_RDONLY | O_NOFOLLOW);
  if (!file) return;
  // Of a writer that is gone another may remain: two readings must agree that there is none.
  unsigned gone = 0;
  for (;;) {
    FileHeader header{};
    const Result<size_t> got = file->read_at(0, &header, sizeof(header));
    if (!got || *got < sizeof(header) || header.pictures_open == 0) return;
    if (header.magic != trace::kFileMagic || header.version != trace::kFormatVersion) return;
    gone = writes_picture(header.picture_pid) ? 0 : gone + 1;
    if (gone > kGoneReadings) return;
    std::this_thread::sleep_for(kPictureWait);
  }
}

void finish(std::vector<SessionTrace>& traces, pid_t pid, int wait_status) {
  SessionTrace* last = nullptr;
  for (SessionTrace& trace : traces) {
    if (trace.header.pid != static_cast<uint32_t>(pid)) continue;
    if (last == nullptr || trace.header.image >= last->header.image) last = &trace;
  }
  // A last image that became another one became one that is not recorded: how that one ended is not this one's end.
  if (last != nullptr && last->header.end_kind != static_cast<uint32_t>(EndKind::kReplaced)) {
    if (WIFEXITED(wait_status)) set_end(*last, EndKind::kExited, WEXITSTATUS(wait_status));
    if (WIFSIGNALED(wait_status)) set_end(*last, EndKind::kSignaled, WTERMSIG(wait_status));
  }
  for (SessionTrace& trace : traces) {
    trace.running = process_lives(trace.header.pid, trace.header.process_start);
    if (trace.running) continue;
    wait_for_pictures(trace.path);
    trim(trace);
  }
}

}  // namespace tidemark::launch

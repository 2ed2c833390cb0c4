// What `tidemark run` and `mark` do around a recording, as far as it needs no recorder.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "analyzer/base/process.h"
#include "analyzer/launch/library.h"
#include "analyzer/launch/outside_trace.h"
#include "analyzer/launch/session.h"
#include "analyzer/launch/ticks.h"
#include "analyzer/launch/why_no_trace.h"
#include "analyzer/replay/replay.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::launch {
namespace {

using testing::TemporaryFolder;
using testing::TraceBuilder;

// A trace as this process would be writing it.
void write_own_trace(const std::string& path, uint64_t session) {
  const Moment now = Moment::now();
  TraceBuilder trace;
  trace.header().pid = static_cast<uint32_t>(::getpid());
  trace.header().process_start = process_state(trace.header().pid)->start_time;
  trace.header().session_id = session;
  trace.header().end_kind = 0;
  trace.header().start_monotonic_ns = static_cast<int64_t>(now.monotonic_ns);
  trace.header().start_ticks = now.ticks(trace.header());
  trace.header().tick_hz_hint = 0;
  trace.write(path);
  ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(trace.header().window_bytes)), 0);
}

TEST(OutsideTrace, SamplesAndMarksAreRead) {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace");
  write_own_trace(path, 1);
  {
    Result<OutsideTrace> trace = OutsideTrace::open(path);
    ASSERT_TRUE(trace.ok()) << trace.error().text;
    // More than one page of them.
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(trace->sample(::getpid()).ok());
    ASSERT_TRUE(trace->mark("from outside").ok());
    ASSERT_TRUE(trace->mark(std::string(100'000, 'x')).ok());
  }
  Result<replay::TraceFile> file = replay::TraceFile::open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_GT(file->streams().size(), 3u);
  const replay::Recording recording = replay::replay(*file, {});
  EXPECT_TRUE(recording.damage.empty());
  EXPECT_EQ(recording.samples.count, 300u);
  EXPECT_GT(recording.samples.max_rss, 1u << 20);
  ASSERT_EQ(recording.marks.size(), 2u);
  EXPECT_EQ(recording.marks[0].text, "from outside");
  EXPECT_GT(recording.marks[1].text.size(), 1000u);
  EXPECT_GT(recording.clock.seconds(recording.last_time), 0);
}

TEST(OutsideTrace, AFullWindowIsLeftToTheRecorder) {
  const TemporaryFolder folder;
  TraceBuilder trace;
  trace.header().window_bytes = trace::kHeaderBytes + trace::kMaxChunkBytes;
  trace.write(folder.file("trace"));
  Result<OutsideTrace> outside = OutsideTrace::open(folder.file("trace"));
  ASSERT_TRUE(outside.ok());
  EXPECT_FALSE(outside->mark("no room").ok());
  EXPECT_EQ(outside->header().claimed_bytes, trace::kHeaderBytes);
}

TEST(OutsideTrace, OnlyTracesAreWrittenTo) {
  const TemporaryFolder folder;
  testing::write_file(folder.file("text"), std::vector<uint8_t>(100'000, 'x'));
  EXPECT_FALSE(OutsideTrace::open(folder.file("text")).ok());
  EXPECT_FALSE(OutsideTrace::open(folder.file("missing")).ok());
}

TEST(FindTrace, AmongTheMappings) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a trace");
  write_own_trace(path, 1);
  EXPECT_FALSE(find_trace_of(::getpid()));
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  void* const mapped = ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  ASSERT_NE(mapped, MAP_FAILED);
  EXPECT_EQ(find_trace_of(::getpid()), path);
  ::munmap(mapped, 1 << 20);
}

TEST(Session, FindsItsTracesFinishesAndTrimsThem) {
  const TemporaryFolder folder;
  constexpr uint64_t kSession = 77;
  const auto write = [&](const std::string& name, uint32_t pid, uint32_t image, uint64_t session, trace::EndKind end) {
    TraceBuilder trace;
    trace.header().pid = pid;
    trace.header().image = image;
    trace.header().session_id = session;
    trace.header().end_kind = static_cast<uint32_t>(end);
    trace.header().start_realtime_ns += image;
    trace.write(folder.file(name));
    ASSERT_EQ(::truncate(folder.file(name).c_str(), 1 << 24), 0);
  };
  constexpr uint32_t kPid = 4'000'000;
  write("sh.4000000.trace", kPid, 0, kSession, trace::EndKind::kReplaced);
  write("sh.4000000.trace.4000000.1", kPid, 1, kSession, trace::EndKind::kExited);
  write("sh.4000001.trace", kPid + 1, 0, kSession, trace::EndKind::kNone);
  write("sh.5.trace", 5, 0, kSession + 1, trace::EndKind::kNone);
  write("else", 6, 0, kSession, trace::EndKind::kNone);
  write_own_trace(folder.file("own.1.trace"), kSession);

  std::vector<SessionTrace> traces = traces_of(kSession, folder.file("%e.%p.trace"));
  ASSERT_EQ(traces.size(), 4u);
  finish(traces, kPid, 9);  // as waitpid tells a death by SIGKILL
  const auto header_of = [&](const std::string& name) {
    trace::FileHeader header{};
    std::ifstream(folder.file(name)).read(reinterpret_cast<char*>(&header), sizeof(header));
    return header;
  };
  EXPECT_EQ(header_of("sh.4000000.trace").end_kind, static_cast<uint32_t>(trace::EndKind::kReplaced));
  EXPECT_EQ(header_of("sh.4000000.trace.4000000.1").end_kind, static_cast<uint32_t>(trace::EndKind::kSignaled));
  EXPECT_EQ(header_of("sh.4000000.trace.4000000.1").end_code, 9);
  EXPECT_EQ(header_of("sh.4000001.trace").end_kind, 0u);
  const auto size_of = [&](const std::string& name) { return std::ifstream(folder.file(name), std::ios::ate).tellg(); };
  EXPECT_EQ(size_of("sh.4000000.trace"), static_cast<std::streamoff>(trace::kHeaderBytes));
  EXPECT_EQ(size_of("sh.4000001.trace"), static_cast<std::streamoff>(trace::kHeaderBytes));
  EXPECT_EQ(size_of("sh.5.trace"), 1 << 24);   // another session's
  EXPECT_GT(size_of("own.1.trace"), 1 << 24);  // its process lives
}

TEST(Session, NamePatternsTakeTheRestLiterally) {
  EXPECT_EQ(name_patterns("/a[b]/%e.%p%%x")[0], "/a\\[b\\]/*.*%x");
  EXPECT_EQ(name_patterns("/t/out")[1], "/t/out.*.*");
}

TEST(Library, ThePreloadListKeepsWhatWasThere) {
  EXPECT_EQ(preload_list(nullptr, "/l/t.so"), "/l/t.so");
  EXPECT_EQ(preload_list("", "/l/t.so"), "/l/t.so");
  EXPECT_EQ(preload_list("a.so b.so", "/l/t.so"), "a.so b.so:/l/t.so");
  EXPECT_EQ(preload_list("a.so:/l/t.so", "/l/t.so"), "a.so:/l/t.so");
}

TEST(Library, OutputPatternsAreAbsolute) {
  const TemporaryFolder folder;
  const std::string odd = folder.file("100%p");
  ASSERT_EQ(::mkdir(odd.c_str(), 0700), 0);
  ASSERT_EQ(::chdir(odd.c_str()), 0);
  ::unsetenv("TIDEMARK_OUTPUT");
  RecorderSettings settings;
  EXPECT_EQ(output_pattern(settings), folder.path() + "/100%%p/%e.%p.tidemark");
  ::setenv("TIDEMARK_OUTPUT", "from.environment", 1);
  EXPECT_EQ(output_pattern(settings), folder.path() + "/100%%p/from.environment");
  settings.output = "/absolute.%p";
  EXPECT_EQ(output_pattern(settings), "/absolute.%p");
  ::unsetenv("TIDEMARK_OUTPUT");
  ASSERT_EQ(::chdir("/"), 0);
}

TEST(Library, OnlyGivenSettingsAreSet) {
  RecorderSettings settings;
  Result<Environment> environment = recorder_environment(settings, "/l/t.so", 0xabc);
  ASSERT_TRUE(environment.ok());
  std::vector<std::string> names;
  for (const auto& [name, value] : *environment) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"LD_PRELOAD", "TIDEMARK_OUTPUT", "TIDEMARK_SESSION", "TIDEMARK_PARENT"}));
  EXPECT_EQ((*environment)[2].second, "abc");
  settings.max_trace_bytes = 4096;
  settings.snapshot = "exit,every=1s";
  settings.follow_fork = false;
  environment = recorder_environment(settings, "/l/t.so", 0xabc);
  EXPECT_EQ(environment->size(), 7u);
}

TEST(WhyNoTrace, ReadsTheProgramsFile) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("text")) << "just text";
  EXPECT_NE(why_no_trace(folder.file("text")).find("no ELF"), std::string::npos);
  std::ofstream(folder.file("script")) << "#! " << folder.file("text") << " -x\n";
  EXPECT_NE(why_no_trace(folder.file("script")).find("text is no ELF"), std::string::npos);
  EXPECT_TRUE(find_program("sh"));
  EXPECT_FALSE(find_program("no such program here"));
}

}  // namespace
}  // namespace tidemark::launch

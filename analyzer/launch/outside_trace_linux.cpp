#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <set>
#include <utility>

#include "analyzer/launch/outside_trace.h"
#include "analyzer/launch/process_sample.h"
#include "analyzer/launch/ticks.h"

namespace tidemark::launch {
namespace {

constexpr size_t kMappedBytes = 4096;
static_assert(sizeof(trace::FileHeader) <= kMappedBytes);

bool is_sound(const trace::FileHeader& header) {
  return header.magic == trace::kFileMagic && header.version == trace::kFormatVersion && header.tick_shift < 64 &&
         header.claimed_bytes >= header.header_bytes && header.claimed_bytes % trace::kChunkAlignment == 0;
}

}  // namespace

Result<OutsideTrace> OutsideTrace::open(const std::string& path) {
  OutsideTrace trace;
  trace.path_ = path;
  Result<File> file = File::open_regular(path, O_RDWR | O_NOFOLLOW);
  if (!file) return file.error();
  trace.file_ = *std::move(file);
  trace::FileHeader header{};
  const Result<size_t> got = trace.file_.read_at(0, &header, sizeof(header));
  if (!got || *got < sizeof(header) || !is_sound(header))
    return Error{fmt::format("{} is not a trace that can be written to", path)};
  void* const mapped = ::mmap(nullptr, kMappedBytes, PROT_READ | PROT_WRITE, MAP_SHARED, trace.file_.descriptor(), 0);
  if (mapped == MAP_FAILED) return Error{fmt::format("cannot map {}: {}", path, error_text(errno))};
  trace.header_ = static_cast<trace::FileHeader*>(mapped);
  return trace;
}

OutsideTrace::OutsideTrace(OutsideTrace&& other) noexcept
    : path_(std::move(other.path_)), file_(std::move(other.file_)), header_(std::exchange(other.header_, nullptr)) {
  // Only moved when fresh from open(): no chunk has been begun.
}

OutsideTrace::~OutsideTrace() {
  if (header_ != nullptr) ::munmap(header_, kMappedBytes);
}

trace::FileHeader OutsideTrace::header() const noexcept {
  trace::FileHeader copy;
  std::memcpy(&copy, header_, sizeof(copy));
  return copy;
}

trace::EndKind OutsideTrace::end_kind() const noexcept {
  return static_cast<trace::EndKind>(std::atomic_ref<uint32_t>(header_->end_kind).load(std::memory_order_relaxed));
}

Status OutsideTrace::make_room(size_t bytes, uint64_t now) {
  if (chunk_offset_ != 0 && writer_.room(bytes)) return Done{};
  // A file that somebody cut has no header page any more, and touching it would be SIGBUS.
  const Result<uint64_t> size = file_.size();
  if (!size || *size < kMappedBytes) return Error{fmt::format("{} has been cut", path_)};
  std::atomic_ref<uint64_t> claimed(header_->claimed_bytes);
  if (claimed.load(std::memory_order_relaxed) + 2 * trace::kMaxChunkBytes > header_->window_bytes) {
    // The rest is for the recorder.
    return Error{fmt::format("{} has reached its size limit", path_)};
  }
  chunk_offset_ = claimed.fetch_add(chunk_.size(), std::memory_order_relaxed);
  chunk_.fill(0);
  writer_ = trace::ChunkWriter();
  const auto stream = static_cast<uint32_t>(trace::kOutsideStream | (chunk_offset_ >> 12));
  writer_.begin(chunk_.data(), static_cast<uint32_t>(chunk_.size()), stream, 0, 0, now, 0);
  return flush(chunk_.data(), sizeof(trace::kChunkMagic));
}

// Writes from `from` to the cursor, the first `tag_bytes` (a record's tag, a chunk's magic) last: a reader sees the
// whole or nothing.
Status OutsideTrace::flush(const uint8_t* from, size_t tag_bytes) {
  const auto offset = chunk_offset_ + static_cast<uint64_t>(from - chunk_.data());
  const auto bytes = static_cast<size_t>(writer_.cursor() - from);
  if (Status status = file_.write_at(offset + tag_bytes, from + tag_bytes, bytes - tag_bytes); !status) return status;
  return file_.write_at(offset, from, tag_bytes);
}

template <class Record>
Status OutsideTrace::write(uint64_t now, const Record& record, size_t text_bytes) {
  if (now == 0) return Error{"the recorded process's clock cannot be read here"};
  if (Status status = make_room(trace::ChunkWriter::sized_room(text_bytes), now); !status) return status;
  const uint8_t* const from = writer_.cursor();
  writer_.sized(now, record);
  return flush(from, 1);
}

Status OutsideTrace::sample(pid_t pid) {
  auto sample = sample_process(pid);
  if (!sample) return Error{fmt::format("process {} has no memory to look at", pid)};
  const Moment now = Moment::now();
  sample->monotonic_ns = now.monotonic_ns;
  return write(now.ticks(header()), *sample, 0);
}

Status OutsideTrace::mark(std::string_view text) {
  // A chunk is one page: longer texts are cut.
  constexpr size_t kMaxBytes = trace::kChunkAlignment - sizeof(trace::ChunkHeader) - 512;
  text = text.substr(0, kMaxBytes);
  trace::MarkRecord record;
  record.text = {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  return write(Moment::now().ticks(header()), record, text.size());
}

uint32_t OutsideTrace::ask_for_snapshot() noexcept {
  return std::atomic_ref<uint32_t>(header_->snapshots_wanted).fetch_add(1, std::memory_order_acq_rel) + 1;
}

uint32_t OutsideTrace::answered_snapshots() const noexcept {
  return std::atomic_ref<uint32_t>(header_->snapshots_answered).load(std::memory_order_acquire);
}

uint32_t OutsideTrace::refused_snapshots() const noexcept {
  return std::atomic_ref<uint32_t>(header_->snapshots_refused).load(std::memory_order_acquire);
}

void OutsideTrace::answer_snapshots(uint32_t asked) noexcept {
  std::atomic_ref<uint32_t>(header_->snapshots_answered).store(asked, std::memory_order_release);
}

uint32_t OutsideTrace::next_picture_id() noexcept {
  return std::atomic_ref<uint32_t>(header_->next_picture).fetch_add(1, std::memory_order_relaxed);
}

Status OutsideTrace::snapshot_taken(const trace::SnapshotRecord& record) {
  return write(Moment::now().ticks(header()), record, 0);
}

uint64_t OutsideTrace::claim_for_picture(size_t bytes) noexcept {
  const Result<uint64_t> size = file_.size();
  if (!size || *size < kMappedBytes) return 0;
  std::atomic_ref<uint64_t> claimed(header_->claimed_bytes);
  const uint64_t window = header_->window_bytes;
  if (claimed.load(std::memory_order_relaxed) + bytes > window - window / 4) return 0;
  return claimed.fetch_add(bytes, std::memory_order_relaxed);
}

Status OutsideTrace::write_chunk(uint64_t offset, const uint8_t* chunk, size_t bytes) {
  constexpr size_t kMagicBytes = sizeof(trace::kChunkMagic);
  if (Status status = file_.write_at(offset + kMagicBytes, chunk + kMagicBytes, bytes - kMagicBytes); !status)
    return status;
  return file_.write_at(offset, chunk, kMagicBytes);
}

std::optional<std::string> find_trace_of(pid_t pid) {
  const std::string maps = read_small_file(fmt::format("/proc/{}/maps", pid), size_t{64} << 20);
  std::set<std::string_view> seen;
  for (std::string_view rest = maps; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    // 7f00-7f10 rw-s 00000000 08:01 123   /path
    const size_t flags = line.find(' ');
    const size_t path = line.find('/');
    if (flags == std::string_view::npos || path == std::string_view::npos) continue;
    if (line.substr(flags + 1, 4) != "rw-s" || !seen.insert(line.substr(path)).second) continue;
    const std::string name(line.substr(path));
    // A process in another root or mount namespace names its files its own way.
    for (const std::string& candidate : {name, fmt::format("/proc/{}/root{}", pid, name)}) {
      const Result<File> file = File::open_regular(candidate, O_RDONLY);
      if (!file) continue;
      trace::FileHeader header{};
      const Result<size_t> got = file->read_at(0, &header, sizeof(header));
      if (got && *got == sizeof(header) && header.magic == trace::kFileMagic &&
          header.pid == static_cast<uint32_t>(pid)) {
        return candidate;
      }
    }
  }
  return std::nullopt;
}

}  // namespace tidemark::launch

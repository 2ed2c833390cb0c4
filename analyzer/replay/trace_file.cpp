#include "analyzer/replay/trace_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "trace/chunk_decoder.h"

namespace tidemark::replay {
namespace {

using trace::ChunkHeader;
using trace::kChunkAlignment;

// Damage is described in this many sentences at most; the rest is counted.
constexpr size_t kMaxDamageTexts = 20;
constexpr size_t kMaxHeaderBytes = size_t{1} << 20;

}  // namespace

Result<TraceFile> TraceFile::open(const std::string& path) {
  TraceFile trace;
  trace.path_ = path;
  Result<File> file = File::open_regular(path, O_RDONLY);
  if (!file) return file.error();
  trace.file_ = *std::move(file);
  if (const Status status = trace.read_header(); !status) return status.error();
  trace.index_chunks();
  return trace;
}

Status TraceFile::read_header() {
  const Result<uint64_t> size = file_.size();
  if (!size) return Error{fmt::format("{}: {}", path_, size.error().text)};
  const Result<size_t> got = file_.read_at(0, &header_, sizeof(header_));
  if (!got) return Error{fmt::format("{}: {}", path_, got.error().text)};
  if (*got < sizeof(header_.magic) || header_.magic != trace::kFileMagic) {
    const bool begun = *got >= sizeof(header_.magic) && header_.magic == 0 && *size >= trace::kHeaderBytes;
    return Error{begun ? fmt::format("{}: the trace was never begun (byte 0 is zero): the recorder ended before it "
                                     "wrote the header; record again",
                                     path_)
                       : fmt::format("{}: not a trace of Tidemark (byte 0 does not hold its magic)", path_)};
  }
  if (*got < sizeof(header_)) {
    return Error{fmt::format("{}: cut at byte {}, inside the header ({} bytes); copy the whole file again", path_, *got,
                             sizeof(header_))};
  }
  if (header_.version != trace::kFormatVersion) {
    return Error{
        fmt::format("{}: format version {} (byte 8), but this command reads version {}; use the command of the "
                    "version that recorded it",
                    path_, header_.version, trace::kFormatVersion)};
  }
  if (header_.header_bytes < sizeof(header_) || header_.header_bytes > kMaxHeaderBytes ||
      header_.header_bytes % kChunkAlignment != 0) {
    return Error{
        fmt::format("{}: damaged: the header's length {} (byte 12) makes no sense", path_, header_.header_bytes)};
  }
  header_bytes_.resize(header_.header_bytes);
  const Result<size_t> whole = file_.read_at(0, header_bytes_.data(), header_bytes_.size());
  if (!whole) return Error{fmt::format("{}: {}", path_, whole.error().text)};
  header_bytes_.resize(*whole);

  end_ = std::min<uint64_t>(header_.claimed_bytes, *size);
  if (header_.claimed_bytes < header_.header_bytes) {
    damage_.push_back(fmt::format("the header's count of used bytes (byte 16) is damaged: reading to the file's end"));
    end_ = *size;
  } else if (header_.claimed_bytes > *size) {
    damage_.push_back(
        fmt::format("the file is cut at byte {}: {} bytes are missing", *size, header_.claimed_bytes - *size));
  }
  return Done{};
}

// The next offset at which a chunk may begin, behind an unused unit at `offset`. Holes are skipped at once: a hostile
// file can claim exabytes of them.
uint64_t TraceFile::skip_unused(uint64_t offset) const {
  const off_t data = ::lseek(file_.descriptor(), static_cast<off_t>(offset), SEEK_DATA);
  if (data < 0) return errno == ENXIO ? end_ : offset + kChunkAlignment;
  const uint64_t aligned = static_cast<uint64_t>(data) / kChunkAlignment * kChunkAlignment;
  return std::max(aligned, offset + kChunkAlignment);
}

void TraceFile::index_chunks() {
  std::unordered_map<uint32_t, size_t> slots;
  uint64_t damaged_units = 0, first_damage = 0, offset = header_.header_bytes;
  const auto note_damage = [&] {
    if (damaged_units == 0) return;
    if (damage_.size() < kMaxDamageTexts) {
      damage_.push_back(fmt::format("bytes {} to {} are damaged and were skipped", first_damage,
                                    first_damage + damaged_units * kChunkAlignment));
    }
    damaged_units = 0;
  };
  while (offset < end_ && end_ - offset >= sizeof(ChunkHeader)) {
    ChunkHeader chunk;
    const Result<size_t> got = file_.read_at(offset, &chunk, sizeof(chunk));
    if (!got || *got < sizeof(chunk)) {
      damage_.push_back(fmt::format("cannot read on at byte {}", offset));
      break;
    }
    if (chunk.magic == 0) {
      note_damage();
      offset = skip_unused(offset);
      continue;
    }
    if (!trace::ChunkDecoder::valid_header(chunk)) {
      if (damaged_units++ == 0) first_damage = offset;
      offset += kChunkAlignment;
      continue;
    }
    note_damage();
    const bool is_picture = chunk.stream >= trace::kPictureStream && chunk.stream < trace::kOutsideStream;
    std::vector<StreamPlace>& streams = is_picture ? pictures_ : streams_;
    const auto [slot, added] = slots.try_emplace(chunk.stream, streams.size());
    if (added) streams.push_back({chunk.stream, {}});
    const auto readable = static_cast<uint32_t>(std::min<uint64_t>(chunk.bytes, end_ - offset));
    streams[slot->second].chunks.push_back({offset, chunk.base_time, readable, chunk.sequence});
    offset += chunk.bytes;
  }
  note_damage();

  const auto by_sequence = [](const ChunkPlace& a, const ChunkPlace& b) { return a.sequence < b.sequence; };
  uint64_t missing = 0;
  for (StreamPlace& picture : pictures_) {
    std::stable_sort(picture.chunks.begin(), picture.chunks.end(), by_sequence);
  }
  for (StreamPlace& stream : streams_) {
    std::stable_sort(stream.chunks.begin(), stream.chunks.end(), by_sequence);
    if (stream.stream < trace::kOutsideStream) {
      const uint64_t expected = uint64_t{stream.chunks.back().sequence} + 1;
      missing += expected - std::min<uint64_t>(expected, stream.chunks.size());
    }
  }
  if (missing != 0) damage_.push_back(fmt::format("{} chunks of events are missing", missing));
}

std::string TraceFile::text(trace::StringRef where) const {
  if (where.offset > header_bytes_.size() || where.bytes > header_bytes_.size() - where.offset) return {};
  return header_bytes_.substr(where.offset, where.bytes);
}

bool TraceFile::read(const ChunkPlace& place, uint8_t* to) const {
  const Result<size_t> got = file_.read_at(place.offset, to, place.bytes);
  if (!got || *got < sizeof(ChunkHeader)) return false;
  if (*got < place.bytes) std::memset(to + *got, 0, place.bytes - *got);
  ChunkHeader header;
  std::memcpy(&header, to, sizeof(header));
  return trace::ChunkDecoder::valid_header(header);
}

bool is_trace(const std::string& path) {
  const Result<File> file = File::open_regular(path, O_RDONLY);
  uint64_t magic = 0;
  if (!file) return false;
  const Result<size_t> got = file->read_at(0, &magic, sizeof(magic));
  return got && *got == sizeof(magic) && magic == trace::kFileMagic;
}

}  // namespace tidemark::replay

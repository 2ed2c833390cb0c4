#include "tests/unit/analyzer/trace_builder.h"

#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace tidemark::testing {

StreamBuilder::StreamBuilder(TraceBuilder& trace, uint32_t stream, uint32_t chunk_bytes)
    : trace_(trace), stream_(stream), chunk_bytes_(chunk_bytes), time_(TraceBuilder::kStartTicks) {}

void StreamBuilder::make_room(size_t bytes, uint64_t time) {
  if (time != 0) time_ = time;
  if (sequence_ != 0 && writer_.room(bytes)) return;
  const uint64_t base = sequence_ == 0 ? time_ : writer_.last_time();
  writer_.begin(trace_.add_chunk(chunk_bytes_), chunk_bytes_, stream_, sequence_++, thread_, base, 0);
}

StreamBuilder& StreamBuilder::thread(uint64_t serial, uint64_t tid, const char* name) {
  trace::ThreadRecord thread;
  thread.serial = serial;
  thread.tid = tid;
  thread.name = trace::Bytes::of(name);
  record(time_, thread, thread.name.size);
  thread_ = static_cast<uint32_t>(serial);
  return *this;
}

StreamBuilder& StreamBuilder::node(uint32_t id, uint32_t parent, uint64_t pc, bool exact) {
  make_room(trace::kMaxEventBytes, 0);
  writer_.node(id, parent, pc, exact);
  return *this;
}

StreamBuilder& StreamBuilder::alloc(uint64_t time, uint64_t address, uint64_t size, uint32_t node) {
  make_room(trace::kMaxEventBytes, time);
  writer_.alloc(time, address, size, node);
  return *this;
}

StreamBuilder& StreamBuilder::free(uint64_t time, uint64_t address) {
  make_room(trace::kMaxEventBytes, time);
  writer_.free(time, address);
  return *this;
}

StreamBuilder& StreamBuilder::realloc(uint64_t before, uint64_t after, uint64_t old_address, uint64_t address,
                                      uint64_t size, uint32_t node) {
  make_room(trace::kMaxEventBytes, before);
  writer_.realloc(before, after, old_address, address, size, node);
  return *this;
}

StreamBuilder& StreamBuilder::mark(uint64_t time, const char* text) {
  trace::MarkRecord mark;
  mark.text = trace::Bytes::of(text);
  return record(time, mark, mark.text.size);
}

StreamBuilder& StreamBuilder::life_end(uint64_t time) {
  trace::LifeEndRecord end;
  end.kind = static_cast<uint64_t>(trace::LifeEndKind::kMainReturned);
  return record(time, end);
}

StreamBuilder& StreamBuilder::map(uint64_t time, uint64_t address, uint64_t size, uint64_t protection, uint64_t flags,
                                  uint32_t node) {
  trace::MapRecord map;
  map.address = address;
  map.size = size;
  map.protection = protection;
  map.flags = flags;
  map.node = node;
  return record(time, map);
}

StreamBuilder& StreamBuilder::module(uint64_t time, uint64_t index, uint64_t start, uint64_t end, uint64_t bias,
                                     const char* path, const std::string& build_id) {
  trace::ModuleLoadRecord module;
  module.index = index;
  module.start = start;
  module.end = end;
  module.bias = bias;
  module.path = trace::Bytes::of(path);
  module.build_id = {reinterpret_cast<const uint8_t*>(build_id.data()), build_id.size()};
  return record(time, module, module.path.size + build_id.size());
}

PictureBuilder::PictureBuilder(TraceBuilder& trace, uint64_t id, uint64_t cut, trace::SnapshotReason reason,
                               uint32_t chunk_bytes)
    : stream_(trace.stream(trace::kPictureStream + static_cast<uint32_t>(id), chunk_bytes)), cut_(cut) {
  trace::PictureRecord record;
  record.id = id;
  record.reason = static_cast<uint64_t>(reason);
  record.cut = cut;
  stream_.record(cut, record);
}

PictureBuilder& PictureBuilder::region(uint64_t start, uint64_t end, uint64_t flags, const char* path) {
  trace::RegionRecord record;
  record.start = start;
  record.end = end;
  record.flags = flags;
  record.path = trace::Bytes::of(path);
  stream_.record(cut_, record, record.path.size);
  return *this;
}

PictureBuilder& PictureBuilder::thread(uint64_t tid, trace::PictureThreadRecord::Kind kind, uint64_t sp,
                                       uint64_t thread_pointer, const std::vector<uint64_t>& registers,
                                       const std::vector<std::pair<uint64_t, uint64_t>>& frames) {
  trace::PictureThreadRecord record;
  record.tid = tid;
  record.kind = kind;
  record.sp = sp;
  record.thread_pointer = thread_pointer;
  record.registers = {reinterpret_cast<const uint8_t*>(registers.data()), registers.size() * 8};
  std::vector<uint64_t> flat;
  for (const auto& [pc, end] : frames) flat.insert(flat.end(), {pc, end});
  record.frames = {reinterpret_cast<const uint8_t*>(flat.data()), flat.size() * 8};
  stream_.record(cut_, record, record.registers.size + record.frames.size);
  return *this;
}

PictureBuilder& PictureBuilder::pages(uint64_t start, const std::vector<std::pair<uint64_t, trace::PageState>>& runs) {
  std::vector<uint8_t> bytes(runs.size() * 9 + 9);
  uint8_t* at = bytes.data();
  for (const auto& [count, state] : runs) at = trace::put_varint(at, count << 2 | static_cast<uint64_t>(state));
  trace::ResidencyRecord record;
  record.start = start;
  record.runs = {bytes.data(), static_cast<size_t>(at - bytes.data())};
  stream_.record(cut_, record, record.runs.size);
  return *this;
}

PictureBuilder& PictureBuilder::words(trace::WordsRecord::Kind kind, const std::vector<Word>& words) {
  constexpr size_t kMostWordBytes = 18;
  const unsigned shift = kind == trace::WordsRecord::kPossibleCompressed ? 2 : 3;
  uint8_t bytes[trace::kMaxTextBytes + kMostWordBytes];
  for (size_t next = 0; next < words.size();) {
    trace::WordsRecord record;
    record.kind = kind;
    uint64_t source = record.source = words[next].source, value = record.value = words[next].value;
    uint8_t* at = bytes;
    for (; next < words.size() && at - bytes + kMostWordBytes <= trace::kMaxTextBytes; ++next, ++record.count) {
      at = trace::put_varint(at, (words[next].source - source) >> shift);
      at = trace::put_varint(at, trace::code_word_delta(words[next].value - value));
      source = words[next].source;
      value = words[next].value;
    }
    record.words = {bytes, static_cast<size_t>(at - bytes)};
    if (kind == trace::WordsRecord::kPlain || kind == trace::WordsRecord::kTagged) count_ += record.count;
    stream_.record(cut_, record, record.words.size);
  }
  return *this;
}

void PictureBuilder::end(uint64_t error) {
  trace::PictureEndRecord record;
  record.error = error;
  end(record);
}

void PictureBuilder::end(trace::PictureEndRecord record) {
  record.words = count_;
  stream_.record(cut_, record);
}

TraceBuilder::TraceBuilder() {
  header_.magic = trace::kFileMagic;
  header_.version = trace::kFormatVersion;
  header_.header_bytes = trace::kHeaderBytes;
  header_.window_bytes = uint64_t{1} << 30;
  header_.trace_id = 0x1234;
  header_.pid = 4'000'000;  // above any pid that lives
  header_.parent_pid = 1;
  header_.start_realtime_ns = 1'700'000'000'000'000'000;
  header_.start_monotonic_ns = 5'000'000'000;
  header_.start_ticks = kStartTicks;
  header_.tick_hz_hint = kTicksPerSecond;
  header_.clock = trace::Clock::kTsc;
  header_.tick_shift = trace::kTickShift;
  header_.address_shift = trace::kAddressShift;
  header_.page_bytes = 4096;
  header_.end_kind = static_cast<uint32_t>(trace::EndKind::kExited);
  set_command("/usr/bin/program", {"program", "--flag", "two words"});
}

trace::StringRef TraceBuilder::add_text(const std::string& text) {
  const auto offset = static_cast<uint32_t>(sizeof(trace::FileHeader) + texts_.size());
  texts_ += text;
  return {offset, static_cast<uint32_t>(text.size())};
}

void TraceBuilder::set_command(const std::string& executable, const std::vector<std::string>& arguments) {
  header_.executable = add_text(executable);
  std::string joined;
  for (const std::string& argument : arguments) joined += argument + '\0';
  header_.command_line = add_text(joined);
}

void TraceBuilder::set_allocator(const std::string& path, const std::string& operator_new) {
  header_.allocator = add_text(path);
  header_.operator_new = add_text(operator_new);
}

StreamBuilder& TraceBuilder::stream(uint32_t number, uint32_t chunk_bytes) {
  for (auto& [known, stream] : streams_) {
    if (known == number) return *stream;
  }
  streams_.emplace_back(number, std::make_unique<StreamBuilder>(*this, number, chunk_bytes));
  return *streams_.back().second;
}

uint8_t* TraceBuilder::add_chunk(uint32_t bytes) {
  chunks_.push_back(std::make_unique<std::vector<uint8_t>>(bytes));
  return chunks_.back()->data();
}

std::vector<uint8_t> TraceBuilder::bytes() {
  uint64_t claimed = trace::kHeaderBytes;
  for (const auto& chunk : chunks_) claimed += chunk->size();
  header_.claimed_bytes = claimed;
  std::vector<uint8_t> bytes(trace::kHeaderBytes);
  if (sizeof(header_) + texts_.size() > bytes.size()) throw std::length_error("header texts");
  std::memcpy(bytes.data(), &header_, sizeof(header_));
  std::memcpy(bytes.data() + sizeof(header_), texts_.data(), texts_.size());
  for (const auto& chunk : chunks_) bytes.insert(bytes.end(), chunk->begin(), chunk->end());
  return bytes;
}

void TraceBuilder::write(const std::string& path) { write_file(path, bytes()); }

void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tidemark_test.XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tidemark::testing

// What the chunk writer writes, the chunk decoder reads; and whatever the bytes are, the decoder stays inside them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "trace/chunk_decoder.h"
#include "trace/chunk_writer.h"

namespace tidemark::trace {
namespace {

// Numbers of all magnitudes: uniform ones would hardly ever be short.
uint64_t any_magnitude(std::mt19937_64& random) { return random() >> (random() % 64); }

struct Written {
  Event event;
  std::string text;
};

uint64_t any_address(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0:
      return any_magnitude(random);  // anything, unaligned
    case 1:
      return (random() >> 17) & ~uint64_t{15};  // anywhere below the limit
    default:
      return 0x5555'0000'0000 + (random() % 100'000) * 16;
  }
}

// Half of the sites come again and again.
void any_site(std::mt19937_64& random, Event& event) {
  const bool again = random() % 2 == 0;
  event.size = again ? random() % 4 * 1000 : any_magnitude(random);
  event.node = static_cast<uint32_t>(again ? random() % 8 : any_magnitude(random));
}

// Fills a chunk with random records; tells what they were.
std::vector<Written> fill(std::vector<uint8_t>& chunk, std::mt19937_64& random) {
  std::vector<Written> written;
  ChunkWriter writer;
  uint64_t time = 1000 + any_magnitude(random) / 4;
  uint32_t node = 0;
  writer.begin(chunk.data(), static_cast<uint32_t>(chunk.size()), 3, 7, 9, time, node);
  while (writer.room(ChunkWriter::sized_room(100))) {
    Written one;
    Event& event = one.event;
    event.timed = random() % 2 == 0;
    const uint64_t before = event.timed ? (time += any_magnitude(random) >> 24) : 0;
    switch (random() % 5) {
      case 0:
        event.kind = Event::Kind::kAlloc;
        event.address = any_address(random);
        any_site(random, event);
        writer.alloc(before, event.address, event.size, event.node);
        break;
      case 1:
        event.kind = Event::Kind::kFree;
        event.address = any_address(random);
        writer.free(before, event.address);
        break;
      case 2: {
        event.kind = Event::Kind::kRealloc;
        event.time_before = time;
        const uint64_t after = event.timed ? (time += any_magnitude(random) >> 24) : 0;
        event.old_address = any_address(random) >> 3;  // deltas have 62 bits and their sign
        event.address = random() % 4 == 0 ? event.old_address : any_address(random) >> 3;
        any_site(random, event);
        writer.realloc(before, after, event.old_address, event.address, event.size, event.node);
        break;
      }
      case 3:
        event.kind = Event::Kind::kNode;
        event.timed = false;
        event.node = ++node + static_cast<uint32_t>(random() % 3);
        node = event.node;
        event.parent = random() % 2 == 0 ? event.node - 1 : static_cast<uint32_t>(random() % event.node);
        event.pc = random() % 2 == 0 ? random() % 8 : any_magnitude(random) >> 3;  // as above
        event.exact_pc = random() % 2 == 0;
        writer.node(event.node, event.parent, event.pc, event.exact_pc);
        if (before != 0) time = writer.last_time();
        break;
      default: {
        event.kind = Event::Kind::kSized;
        event.tag = Tag::kMark;
        event.timed = true;
        one.text = std::string(random() % 100, 'm');
        MarkRecord mark;
        mark.text = Bytes::of(one.text.c_str());
        writer.sized(time, mark);
        break;
      }
    }
    event.time = time;
    written.push_back(one);
  }
  return written;
}

TEST(Chunk, DecodesWhatWasWritten) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<uint8_t> chunk(kChunkAlignment * (1 + seed % 4));
    const std::vector<Written> written = fill(chunk, random);
    ASSERT_GT(written.size(), 20u);

    ChunkHeader header;
    std::memcpy(&header, chunk.data(), sizeof(header));
    EXPECT_TRUE(ChunkDecoder::valid_header(header));
    EXPECT_EQ(header.stream, 3u);
    EXPECT_EQ(header.sequence, 7u);
    EXPECT_EQ(header.thread, 9u);

    ChunkDecoder decoder(chunk.data(), chunk.size());
    Event event;
    for (const Written& expected : written) {
      ASSERT_EQ(decoder.next(event), ChunkDecoder::Status::kEvent);
      ASSERT_EQ(event.kind, expected.event.kind);
      EXPECT_EQ(event.time, expected.event.time);
      EXPECT_EQ(event.timed, expected.event.timed);
      switch (expected.event.kind) {
        case Event::Kind::kRealloc:
          EXPECT_EQ(event.time_before, expected.event.time_before);
          EXPECT_EQ(event.old_address, expected.event.old_address);
          [[fallthrough]];
        case Event::Kind::kAlloc:
          EXPECT_EQ(event.size, expected.event.size);
          EXPECT_EQ(event.node, expected.event.node);
          [[fallthrough]];
        case Event::Kind::kFree:
          EXPECT_EQ(event.address, expected.event.address);
          break;
        case Event::Kind::kNode:
          EXPECT_EQ(event.node, expected.event.node);
          EXPECT_EQ(event.parent, expected.event.parent);
          EXPECT_EQ(event.pc, expected.event.pc);
          EXPECT_EQ(event.exact_pc, expected.event.exact_pc);
          break;
        case Event::Kind::kSized: {
          EXPECT_EQ(event.tag, expected.event.tag);
          MarkRecord mark;
          ASSERT_TRUE(read_record(event.payload, mark));
          EXPECT_EQ(std::string(reinterpret_cast<const char*>(mark.text.data), mark.text.size), expected.text);
          break;
        }
      }
    }
    EXPECT_EQ(decoder.next(event), ChunkDecoder::Status::kEnd);
  }
}

// Decodes all of it; returns the number of events.
size_t decode_all(const uint8_t* data, size_t size) {
  ChunkDecoder decoder(data, size);
  Event event;
  size_t count = 0, offset = sizeof(ChunkHeader);
  while (decoder.next(event) == ChunkDecoder::Status::kEvent) {
    EXPECT_GT(decoder.offset(), offset);
    EXPECT_LE(decoder.offset(), size);
    offset = decoder.offset();
    ++count;
    if (event.kind == Event::Kind::kSized) {
      // Every record must take any payload.
      SampleRecord sample;
      ModuleLoadRecord module;
      ThreadRecord thread;
      (void)read_record(event.payload, sample);
      (void)read_record(event.payload, module);
      (void)read_record(event.payload, thread);
    }
  }
  return count;
}

TEST(Chunk, CutAnywhereGivesTheEventsBefore) {
  std::mt19937_64 random(1);
  std::vector<uint8_t> chunk(kChunkAlignment);
  const size_t written = fill(chunk, random).size();
  size_t before = 0;
  for (size_t size = sizeof(ChunkHeader); size <= chunk.size(); ++size) {
    // An allocation of exactly that size: a sanitizer sees any read beyond.
    const std::unique_ptr<uint8_t[]> cut(new uint8_t[size]);
    std::memcpy(cut.get(), chunk.data(), size);
    const size_t events = decode_all(cut.get(), size);
    EXPECT_GE(events, before);
    EXPECT_LE(events, before + 1);
    before = events;
  }
  EXPECT_EQ(before, written);
}

TEST(Chunk, DamageNeverLeadsOutside) {
  std::mt19937_64 random(2);
  std::vector<uint8_t> chunk(kChunkAlignment);
  fill(chunk, random);
  for (size_t at = sizeof(ChunkHeader); at < chunk.size(); ++at) {
    for (const unsigned value : {0u, 0xffu, static_cast<unsigned>(random() & 0xff), chunk[at] ^ 1u}) {
      std::vector<uint8_t> damaged = chunk;
      damaged[at] = static_cast<uint8_t>(value);
      decode_all(damaged.data(), damaged.size());
    }
  }
  for (int i = 0; i < 2000; ++i) {
    std::vector<uint8_t> noise(sizeof(ChunkHeader) + random() % 300);
    for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
    decode_all(noise.data(), noise.size());
  }
}

TEST(Chunk, ARecordWithoutItsTagIsNotThere) {
  std::vector<uint8_t> chunk(kChunkAlignment);
  ChunkWriter writer;
  writer.begin(chunk.data(), static_cast<uint32_t>(chunk.size()), 0, 0, 1, 100, 0);
  writer.alloc(101, 0x1000, 10, 1);
  const size_t second = static_cast<size_t>(writer.cursor() - chunk.data());
  writer.alloc(102, 0x2000, 20, 1);
  chunk[second] = 0;  // as a kill between the fields and the tag leaves it
  EXPECT_EQ(decode_all(chunk.data(), chunk.size()), 1u);
}

// The tables of sites and pcs begin anew with each chunk, or chunks could not be decoded one by one.
TEST(Chunk, EachDecodesOnItsOwn) {
  ChunkWriter writer;
  for (uint32_t sequence = 0; sequence < 3; ++sequence) {
    std::vector<uint8_t> chunk(kChunkAlignment);
    writer.begin(chunk.data(), static_cast<uint32_t>(chunk.size()), 0, sequence, 1, 100, 0);
    writer.node(5, 0, 0x401000, false);
    writer.node(6, 5, 0x402000, true);
    for (int again = 0; again < 2; ++again) {
      writer.alloc(0, 0x1000, 48, 6);
      writer.realloc(0, 0, 0x1000, 0x2000, 96, 5);
    }
    ChunkDecoder decoder(chunk.data(), chunk.size());
    Event event;
    ASSERT_EQ(decoder.next(event), ChunkDecoder::Status::kEvent);
    EXPECT_EQ(event.pc, 0x401000u);
    ASSERT_EQ(decoder.next(event), ChunkDecoder::Status::kEvent);
    EXPECT_EQ(event.pc, 0x402000u);
    EXPECT_TRUE(event.exact_pc);
    for (int again = 0; again < 2; ++again) {
      ASSERT_EQ(decoder.next(event), ChunkDecoder::Status::kEvent);
      EXPECT_EQ(event.size, 48u);
      EXPECT_EQ(event.node, 6u);
      ASSERT_EQ(decoder.next(event), ChunkDecoder::Status::kEvent);
      EXPECT_EQ(event.size, 96u);
      EXPECT_EQ(event.node, 5u);
      EXPECT_EQ(event.old_address, 0x1000u);
    }
    EXPECT_EQ(decoder.next(event), ChunkDecoder::Status::kEnd);
  }
}

TEST(Chunk, AnAbandonedRecordIsNotThere) {
  std::vector<uint8_t> chunk(kChunkAlignment);
  ChunkWriter writer;
  writer.begin(chunk.data(), static_cast<uint32_t>(chunk.size()), 0, 0, 1, 100, 0);
  writer.alloc(101, 0x1000, 10, 1);
  // Fields of a record whose tag was never stored.
  std::memset(chunk.data() + (writer.cursor() - chunk.data()) + 1, 0xff, 30);
  writer.abandon();
  EXPECT_FALSE(writer.room(1));
  EXPECT_EQ(decode_all(chunk.data(), chunk.size()), 1u);
  EXPECT_EQ(std::count(chunk.begin(), chunk.end(), 0xff), 0);
}

TEST(Chunk, ASlotThatCannotBeIsDamage) {
  for (const uint64_t slot : {uint64_t{2}, uint64_t{2 << kSiteSlotsLog2 | 1}, UINT64_MAX}) {
    std::vector<uint8_t> chunk(kChunkAlignment);
    ChunkWriter writer;
    writer.begin(chunk.data(), static_cast<uint32_t>(chunk.size()), 0, 0, 1, 100, 0);
    uint8_t* at = chunk.data() + sizeof(ChunkHeader);
    *at++ = static_cast<uint8_t>(Tag::kRealloc);
    put_varint(put_varint(put_varint(at, 0), 0), slot);
    ChunkDecoder decoder(chunk.data(), chunk.size());
    Event event;
    EXPECT_EQ(decoder.next(event), ChunkDecoder::Status::kDamaged) << slot;
  }
}

TEST(Records, ShorterPayloadLeavesDefaultsAndLongerOneIsSteppedOver) {
  uint8_t bytes[64] = {};
  uint8_t* at = put_varint(bytes, 5);
  at = put_varint(at, 6);
  ThreadRecord thread;
  ASSERT_TRUE(read_record(Bytes{bytes, static_cast<size_t>(at - bytes)}, thread));
  EXPECT_EQ(thread.serial, 5u);
  EXPECT_EQ(thread.tid, 6u);
  EXPECT_EQ(thread.stack_high, 0u);
  ModuleUnloadRecord unload;
  ASSERT_TRUE(read_record(Bytes{bytes, static_cast<size_t>(at - bytes)}, unload));
  EXPECT_EQ(unload.index, 5u);
  // A text that claims more bytes than there are is damage.
  at = put_varint(bytes, 40);
  MarkRecord mark;
  EXPECT_FALSE(read_record(Bytes{bytes, static_cast<size_t>(at - bytes)}, mark));
}

TEST(Varint, RoundTripsAndKnowsItsEnd) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t value = i < 70 ? (uint64_t{1} << (i % 64)) - (i < 64 ? 0 : 1) : any_magnitude(random);
    uint8_t bytes[16] = {};
    const auto length = static_cast<size_t>(put_varint(bytes, value) - bytes);
    uint64_t read = 0;
    ASSERT_EQ(get_varint(bytes, bytes + length, read), bytes + length);
    ASSERT_EQ(read, value);
    ASSERT_EQ(get_varint(bytes, bytes + length - 1, read), nullptr);
    ASSERT_EQ(unzigzag(zigzag(static_cast<int64_t>(value))), static_cast<int64_t>(value));
  }
}

}  // namespace
}  // namespace tidemark::trace

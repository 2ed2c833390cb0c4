#include "picture/words.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

namespace tidemark::picture {
namespace {

using Pair = std::pair<uint64_t, uint64_t>;

// What a reader makes of records.
std::vector<Pair> decoded(const trace::WordsRecord& record, unsigned shift) {
  std::vector<Pair> words;
  const uint8_t* at = record.words.data;
  const uint8_t* const end = at + record.words.size;
  uint64_t source = record.source, value = record.value;
  for (uint64_t i = 0; i < record.count; ++i) {
    uint64_t step = 0, delta = 0;
    at = trace::get_varint(at, end, step);
    if (at != nullptr) at = trace::get_varint(at, end, delta);
    if (at == nullptr) {
      ADD_FAILURE() << "cut after " << i << " of " << record.count;
      return words;
    }
    words.emplace_back(source += step << shift, value += trace::decode_word_delta(delta));
  }
  EXPECT_EQ(at, end);
  return words;
}

TEST(Words, ComeBackAsTheyWere) {
  for (const unsigned shift : {3u, 2u}) {
    std::mt19937_64 random(7);
    std::vector<Pair> words, read;
    uint64_t source = 0x7f00'0000'0000;
    for (int i = 0; i < 20'000; ++i) {
      source += (1 + random() % (i % 100 == 0 ? 1'000'000 : 5)) << shift;
      const uint64_t value =
          i % 7 == 0 ? random() & kAddressMask : 0x5555'0000'0000 + random() % 4096 * (i % 3 == 0 ? 1 : 16);
      words.emplace_back(source, value);
    }
    auto flush = [&](const trace::WordsRecord& record) {
      EXPECT_LE(record.words.size, trace::kMaxTextBytes);
      for (const Pair& word : decoded(record, shift)) read.push_back(word);
    };
    WordCoder coder(trace::WordsRecord::kPlain, shift);
    for (const auto& [at, value] : words) coder.add(at, value, flush);
    coder.finish(flush);
    coder.finish(flush);
    EXPECT_EQ(read, words);
    EXPECT_EQ(coder.total(), words.size());
  }
}

TEST(Words, DeltasKeepEveryBit) {
  for (const uint64_t delta : {uint64_t{0}, uint64_t{1}, uint64_t{16}, ~uint64_t{0}, ~uint64_t{15}, kAddressMask,
                               uint64_t{48}, uint64_t{0} - 8, uint64_t{0} - kAddressMask}) {
    EXPECT_EQ(trace::decode_word_delta(trace::code_word_delta(delta)), delta);
  }
}

TEST(Words, NumbersAreCodedAsElsewhere) {
  for (unsigned bits = 0; bits < 64; ++bits) {
    for (const uint64_t value : {uint64_t{1} << bits, (uint64_t{1} << bits) - 1, (uint64_t{1} << bits) + 1}) {
      uint8_t evenly[16] = {}, plainly[16] = {};
      const auto length = put_varint_evenly(evenly, value) - evenly;
      EXPECT_EQ(length, trace::put_varint(plainly, value) - plainly) << value;
      EXPECT_EQ(std::vector<uint8_t>(evenly, evenly + length), std::vector<uint8_t>(plainly, plainly + length))
          << value;
    }
  }
}

TEST(Ranges, FindsTheOneThatHolds) {
  const Range all[] = {{0x1000, 0x2000, false}, {0x2000, 0x3000, true}, {0x10000, 0x11000, false}};
  Ranges ranges;
  ranges.set(all, 3);
  EXPECT_EQ(ranges.find(0xfff), nullptr);
  EXPECT_EQ(ranges.find(0x1000), &all[0]);
  EXPECT_EQ(ranges.find(0x1fff), &all[0]);
  EXPECT_EQ(ranges.find(0x2000), &all[1]);
  EXPECT_EQ(ranges.find(0x3000), nullptr);
  EXPECT_EQ(ranges.find(0x10fff), &all[2]);
  EXPECT_EQ(ranges.find(0x11000), nullptr);
  EXPECT_FALSE(ranges.may_hold(0x11000));
  EXPECT_TRUE(ranges.may_hold(0x3000));  // a hole: find() tells
}

TEST(Ranges, NoneHoldNothing) {
  Ranges ranges;
  ranges.set(nullptr, 0);
  const uint64_t words[] = {0, 1, ~uint64_t{0}};
  for_each_candidate(words, 3, 0, ranges, [](uint64_t, uint64_t) { FAIL(); });
}

TEST(Candidates, AreAllWordsThatMayBePointersTaggedOnesToo) {
  const Range all[] = {{0x7000'0000'0000, 0x7000'0001'0000, false}};
  Ranges ranges;
  ranges.set(all, 1);
  for (const size_t count : {1, 5, 63, 64, 65, 130}) {
    for (size_t hit = 0; hit < count; ++hit) {
      std::vector<uint64_t> words(count, 0x40'0000'0000'0000);
      words[hit] = hit % 2 == 0 ? 0x7000'0000'0010 : 0xfffa'7000'0000'0010;
      std::vector<Pair> found;
      for_each_candidate(words.data(), count, 0x1000, ranges,
                         [&](uint64_t source, uint64_t word) { found.emplace_back(source, word); });
      EXPECT_EQ(found, (std::vector<Pair>{{0x1000 + 8 * hit, words[hit]}})) << count << " " << hit;
    }
  }
}

}  // namespace
}  // namespace tidemark::picture

// In which pages blocks ever lay, against a plain set.
#include "analyzer/replay/used_pages.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace tidemark::replay {
namespace {

constexpr uint64_t kPage = 4096;

TEST(UsedPages, AgreeWithASet) {
  UsedPages pages;
  std::set<uint64_t> expected;
  std::mt19937_64 random(1);
  constexpr uint64_t kBase = 0x7f00'0000'0000, kSpan = uint64_t{256} << 20;
  for (int i = 0; i < 4000; ++i) {
    const uint64_t address = kBase + random() % kSpan / 16 * 16;
    const unsigned bits = static_cast<unsigned>(random() % 23);
    const uint64_t size = random() % (uint64_t{1} << bits);
    pages.note(address, size);
    const uint64_t last = address + (size == 0 ? 0 : size - 1);
    for (uint64_t page = address / kPage; page <= last / kPage; ++page) expected.insert(page);
  }
  uint64_t different = 0;
  for (uint64_t page = kBase / kPage; page < (kBase + kSpan + (4 << 20)) / kPage; ++page) {
    different += pages.used(page * kPage + 100) != expected.contains(page) ? 1 : 0;
  }
  EXPECT_EQ(different, 0u);
  for (int i = 0; i < 4000; ++i) {
    const uint64_t begin = kBase + random() % kSpan / kPage * kPage;
    const uint64_t end = begin + random() % 64 * kPage;
    const auto next = expected.lower_bound(begin / kPage);
    const bool any = begin < end && next != expected.end() && *next < end / kPage;
    EXPECT_EQ(pages.any_used(begin, end), any) << std::hex << begin << " " << end;
  }
}

TEST(UsedPages, WhatIsNewIsSeenAfterAQuestion) {
  UsedPages pages;
  EXPECT_FALSE(pages.used(0x10000));
  EXPECT_FALSE(pages.any_used(0, UINT64_MAX));
  pages.note(0x10010, 8);
  EXPECT_TRUE(pages.used(0x10000));
  EXPECT_TRUE(pages.any_used(0x10000, 0x11000));
  EXPECT_FALSE(pages.any_used(0x11000, 0x12000));
  pages.note(0x11ff8, 16);  // across two pages
  EXPECT_TRUE(pages.used(0x11000));
  EXPECT_TRUE(pages.used(0x12000));
  EXPECT_FALSE(pages.used(0x13000));
}

TEST(UsedPages, SenselessAddressesDoNoHarm) {
  UsedPages pages;
  pages.note(UINT64_MAX - 10, 100);
  pages.note(UINT64_MAX - 10, UINT64_MAX);
  pages.note(0x1000, uint64_t{1} << 50);
  EXPECT_TRUE(pages.used(0x1000'0000));
  EXPECT_TRUE(pages.any_used(uint64_t{1} << 49, (uint64_t{1} << 49) + 1));
  EXPECT_FALSE(pages.used(uint64_t{1} << 52));
}

}  // namespace
}  // namespace tidemark::replay

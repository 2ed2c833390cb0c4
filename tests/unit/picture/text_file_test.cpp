#include "picture/text_file_linux.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace tidemark::picture {
namespace {

template <size_t kBuffer>
std::vector<std::string> lines_of(const std::string& text) {
  const std::string path = testing::TempDir() + "text_file_test";
  std::ofstream(path, std::ios::binary) << text;
  std::vector<std::string> lines;
  EXPECT_TRUE(
      for_each_line<kBuffer>(path.c_str(), [&](const char* at, const char* end) { lines.emplace_back(at, end); }));
  return lines;
}

TEST(TextFile, GivesLinesAcrossReads) {
  EXPECT_EQ(lines_of<16>("one\ntwo\nthree four\n\nfive"),
            (std::vector<std::string>{"one", "two", "three four", "", "five"}));
  EXPECT_EQ(lines_of<16>(""), std::vector<std::string>{});
}

TEST(TextFile, CutsLinesLongerThanTheBuffer) {
  EXPECT_EQ(lines_of<8>("0123456789abcdef\nnext\n"), (std::vector<std::string>{"01234567", "next"}));
  EXPECT_EQ(lines_of<8>("01234567\nnext\n"), (std::vector<std::string>{"01234567", "next"}));
}

TEST(TextFile, SaysWhenThereIsNone) {
  EXPECT_FALSE((for_each_line<64>("/nonexistent/file", [](const char*, const char*) { FAIL(); })));
  EXPECT_FALSE(for_each_number("/nonexistent", [](uint32_t) { FAIL(); }));
}

TEST(TextFile, FindsThisProcessAmongTheNumbersOfProc) {
  bool found = false;
  EXPECT_TRUE(for_each_number("/proc", [&](uint32_t pid) { found = found || pid == sys::getpid(); }));
  EXPECT_TRUE(found);
}

TEST(PathText, PutsPathsTogether) {
  PathText own, other;
  EXPECT_STREQ(own.process(0).add("/maps").text(), "/proc/self/maps");
  EXPECT_STREQ(other.process(12).add("/task/").add(uint64_t{4294967295}).text(), "/proc/12/task/4294967295");
  PathText longest;
  for (int i = 0; i < 100; ++i) longest.add("abcdef");
  EXPECT_LT(std::strlen(longest.text()), 128u);
}

TEST(ParseNumber, StopsWhereTheNumberDoes) {
  const std::string text = "7fff12 rest";
  const char* at = text.data();
  EXPECT_EQ(parse_number(at, text.data() + text.size(), 16), 0x7fff12u);
  EXPECT_EQ(*at, ' ');
  EXPECT_EQ(parse_number(at, text.data() + text.size(), 10), 0u);
}

}  // namespace
}  // namespace tidemark::picture

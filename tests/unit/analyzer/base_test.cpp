// Units, text and the rest of what everything stands on.
#include <gtest/gtest.h>

#include <unistd.h>

#include "analyzer/base/file.h"
#include "analyzer/base/process.h"
#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark {
namespace {

TEST(Units, BytesForPeople) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KB");
  EXPECT_EQ(format_bytes(91 * 1048576 + 943718), "91.9 MB");
  EXPECT_EQ(format_bytes(1048575), "1.0 MB");  // not 1024.0 KB
  EXPECT_EQ(format_bytes(UINT64_MAX), "16.0 EB");
  EXPECT_EQ(format_signed_bytes(-2048), "-2.0 KB");
  EXPECT_EQ(format_signed_bytes(INT64_MIN), "-8.0 EB");
  EXPECT_EQ(format_signed_bytes(1), "+1 B");
  EXPECT_EQ(format_signed_bytes(0), "0 B");
}

TEST(Units, CountsAndTimesForPeople) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567890), "1,234,567,890");
  EXPECT_EQ(plural(1, "block"), "1 block");
  EXPECT_EQ(plural(2000, "block"), "2,000 blocks");
  EXPECT_EQ(format_seconds(0.000012), "12 us");
  EXPECT_EQ(format_seconds(0.0123), "12.3 ms");
  EXPECT_EQ(format_seconds(1.2), "1.20 s");
  EXPECT_EQ(format_seconds(75), "75.0 s");
  EXPECT_EQ(format_seconds(200), "3 min 20 s");
  EXPECT_EQ(format_seconds(7500), "2 h 5 min");
  EXPECT_EQ(format_seconds(-1.5), "-1.50 s");
  EXPECT_EQ(format_seconds(1.0 / 0.0), "?");
  EXPECT_FALSE(format_seconds(1e300).empty());
}

TEST(Units, Sizes) {
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("512KiB"), 512u << 10);
  EXPECT_EQ(parse_size("512k"), 512u << 10);
  EXPECT_EQ(parse_size("1.5M"), 3u << 19);
  EXPECT_EQ(parse_size("2 GB"), uint64_t{2} << 30);
  EXPECT_EQ(parse_size("3TiB"), uint64_t{3} << 40);
  EXPECT_EQ(parse_size("7B"), 7u);
  for (const char* wrong : {"", "K", "-1", "1X", "1KiBs", "1..5", "1e3", "99999999999T", "0x10", "1 2"}) {
    EXPECT_FALSE(parse_size(wrong)) << wrong;
  }
}

TEST(Units, Durations) {
  EXPECT_EQ(parse_duration("250ms"), 250'000'000u);
  EXPECT_EQ(parse_duration("10s"), 10'000'000'000u);
  EXPECT_EQ(parse_duration("1.5"), 1'500'000'000u);
  EXPECT_EQ(parse_duration("5min"), 300'000'000'000u);
  EXPECT_EQ(parse_duration("2h"), 7'200'000'000'000u);
  for (const char* wrong : {"", "s", "-1s", "1 fortnight", "10S", "999999999999h"})
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
}

TEST(Text, InvalidUtf8IsReplacedAndValidKept) {
  EXPECT_EQ(valid_utf8("grün €𝄞"), "grün €𝄞");
  EXPECT_EQ(valid_utf8("a\xff"
                       "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(valid_utf8("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd");       // overlong
  EXPECT_EQ(valid_utf8("\xed\xa0\x80").substr(0, 3), "\xef\xbf\xbd");  // a surrogate
  EXPECT_EQ(valid_utf8("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");       // cut
}

TEST(Text, TerminalsAreNotCommanded) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\tc\x7f"), "a\\x1b[2Jb\\n\\tc\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m");  // the C1 control sequence introducer
  EXPECT_EQ(printable("ü"), "ü");
}

TEST(Text, ShellQuotes) {
  EXPECT_EQ(shell_quoted("plain-1.txt"), "plain-1.txt");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("two words"), "'two words'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
}

TEST(Text, Shortens) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcdefgh", 6), "abc...");
  EXPECT_EQ(shortened("ab€€€€", 7), "ab...");
}

TEST(Process, FindsItself) {
  const auto pid = static_cast<uint32_t>(::getpid());
  const auto state = process_state(pid);
  ASSERT_TRUE(state);
  EXPECT_TRUE(process_lives(pid, state->start_time));
  EXPECT_FALSE(process_lives(pid, state->start_time + 1));
  EXPECT_FALSE(process_state(4'100'000));
}

TEST(File, ReadsWholeAndTellsTheEnd) {
  const testing::TemporaryFolder folder;
  testing::write_file(folder.file("f"), {1, 2, 3, 4});
  const Result<File> file = File::open_regular(folder.file("f"), 0);
  ASSERT_TRUE(file);
  uint8_t bytes[8] = {};
  EXPECT_EQ(*file->read_at(1, bytes, 8), 3u);
  EXPECT_EQ(bytes[0], 2);
  EXPECT_EQ(*file->size(), 4u);
}

}  // namespace
}  // namespace tidemark

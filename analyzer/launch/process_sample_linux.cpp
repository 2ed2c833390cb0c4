#include <fmt/format.h>

#include <string_view>

#include "analyzer/base/file.h"
#include "analyzer/base/units.h"
#include "analyzer/launch/process_sample.h"

namespace tidemark::launch {
namespace {

// "VmRSS:\t   1234 kB" in bytes, 0 without.
uint64_t field(std::string_view status, std::string_view name) {
  for (size_t at = 0; (at = status.find(name, at)) != std::string_view::npos; at += name.size()) {
    if (at != 0 && status[at - 1] != '\n') continue;
    std::string_view value = status.substr(at + name.size());
    value = value.substr(0, value.find('\n'));
    const size_t begin = value.find_first_of("0123456789");
    if (begin == std::string_view::npos) return 0;
    value = value.substr(begin);
    value = value.substr(0, value.find_first_not_of("0123456789"));
    return parse_number(value).value_or(0) << 10;
  }
  return 0;
}

}  // namespace

std::optional<trace::SampleRecord> sample_process(pid_t pid) {
  const std::string status = read_small_file(fmt::format("/proc/{}/status", pid));
  trace::SampleRecord sample;
  sample.rss = field(status, "VmRSS:");
  if (sample.rss == 0) return std::nullopt;
  sample.rss_anon = field(status, "RssAnon:");
  sample.rss_file = field(status, "RssFile:");
  sample.rss_shmem = field(status, "RssShmem:");
  sample.swap = field(status, "VmSwap:");
  sample.high_water = field(status, "VmHWM:");
  return sample;
}

}  // namespace tidemark::launch

#include "picture/resident_linux.h"

#include "picture/text_file_linux.h"

namespace tidemark::picture {
namespace {

// The value in bytes of a line "Name:   123 kB"; false: it is another line.
bool field(const char* at, const char* end, const char* name, uint64_t& bytes) noexcept {
  const size_t length = std::strlen(name);
  if (static_cast<size_t>(end - at) < length || std::memcmp(at, name, length) != 0) return false;
  at += length;
  while (at != end && (*at == ' ' || *at == '\t')) ++at;
  bytes = parse_number(at, end, 10) * 1024;
  return true;
}

}  // namespace

Resident read_resident(uint32_t pid, uint64_t exact_below) noexcept {
  Resident resident;
  PathText status;
  status.process(pid).add("/status");
  for_each_line<1024>(status.text(), [&](const char* at, const char* end) {
    static_cast<void>(field(at, end, "VmRSS:", resident.all) || field(at, end, "RssAnon:", resident.anonymous) ||
                      field(at, end, "RssFile:", resident.file) || field(at, end, "RssShmem:", resident.shared));
  });
  if (resident.all >= exact_below) return resident;
  PathText rollup;
  rollup.process(pid).add("/smaps_rollup");
  uint64_t all = 0;
  for_each_line<1024>(rollup.text(),
                      [&](const char* at, const char* end) { static_cast<void>(field(at, end, "Rss:", all)); });
  if (all != 0) resident.all = all;
  return resident;
}

}  // namespace tidemark::picture

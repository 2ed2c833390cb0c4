#include "preload/memory_limits_linux.h"

#include <sys/resource.h>

#include <cstring>

#include "picture/text_file_linux.h"
#include "system/syscalls_linux.h"

namespace tidemark {
namespace {

using picture::for_each_line;
using picture::parse_number;

constexpr uint64_t kPageBytes = 4096;

// A path that is put together; too long ones become empty, which no file has.
class LongPath {
 public:
  LongPath& add(const char* from, size_t length) noexcept {
    if (used_ + length + 1 > sizeof(text_)) overflow_ = true;
    if (!overflow_) {
      std::memcpy(text_ + used_, from, length);
      used_ += length;
    }
    text_[used_] = 0;
    return *this;
  }
  LongPath& add(const char* text) noexcept { return add(text, std::strlen(text)); }
  const char* text() const noexcept { return overflow_ ? "" : text_; }

 private:
  char text_[512] = {};
  size_t used_ = 0;
  bool overflow_ = false;
};

// The number that a file holds; false without a file, or for "max".
bool read_number(const char* path, uint64_t& value) noexcept {
  char text[32];
  const long fd = sys::open(path, O_RDONLY | O_CLOEXEC);
  if (sys::failed(fd)) return false;
  const long size = sys::read(static_cast<int>(fd), text, sizeof(text));
  sys::close(static_cast<int>(fd));
  if (size <= 0 || text[0] < '0' || text[0] > '9') return false;
  const char* at = text;
  value = parse_number(at, text + size, 10);
  return true;
}

// The page cache that is charged to a group: the kernel takes it back before it kills.
uint64_t cache_in(const char* path) noexcept {
  uint64_t own = 0, total = 0;  // version 1 has both, without and with the groups below; version 2's own are total
  for_each_line<512>(path, [&](const char* at, const char* end) {
    const auto add = [&](const char* name, uint64_t& sum) {
      const size_t length = std::strlen(name);
      if (static_cast<size_t>(end - at) <= length || std::memcmp(at, name, length) != 0) return;
      const char* digits = at + length;
      sum += parse_number(digits, end, 10);
    };
    add("inactive_file ", own);
    add("active_file ", own);
    add("total_inactive_file ", total);
    add("total_active_file ", total);
  });
  return total > own ? total : own;
}

struct GroupLimit {
  uint64_t limit = 0, used = 0;  // limit 0: none
  uint64_t left() const noexcept { return limit == 0 ? UINT64_MAX : limit > used ? limit - used : 0; }
};

// Of the group at `folder` (its length given).
GroupLimit limit_of(const char* mount, const char* folder, size_t length, const char* limit_name,
                    const char* usage_name) noexcept {
  LongPath limit_path, usage_path, statistics_path;
  GroupLimit group;
  uint64_t limit = 0, usage = 0;
  limit_path.add(mount).add(folder, length).add(limit_name);
  if (!read_number(limit_path.text(), limit)) return group;
  usage_path.add(mount).add(folder, length).add(usage_name);
  if (!read_number(usage_path.text(), usage)) return group;
  if (limit > uint64_t{1} << 60) return group;  // version 1's way of saying none
  statistics_path.add(mount).add(folder, length).add("/memory.stat");
  const uint64_t cache = cache_in(statistics_path.text());
  group.used = usage > cache ? usage - cache : 0;
  group.limit = limit != 0 ? limit : 1;  // a group may be given nothing
  return group;
}

// The group and those above it: any of them may have a limit. In a container the path may be the host's; then only the
// mount's root is found.
GroupLimit tightest(const char* mount, const char* folder, size_t length, const char* limit_name,
                    const char* usage_name) noexcept {
  GroupLimit least;
  for (;;) {
    const GroupLimit group = limit_of(mount, folder, length, limit_name, usage_name);
    if (group.left() < least.left()) least = group;
    if (length == 0) return least;
    do --length;
    while (length != 0 && folder[length] != '/');
  }
}

// Of all groups that the process is in, by either version, the limit that leaves least.
GroupLimit tightest_group() noexcept {
  GroupLimit least;
  for_each_line<512>("/proc/self/cgroup", [&](const char* at, const char* end) {
    const auto* first = static_cast<const char*>(std::memchr(at, ':', static_cast<size_t>(end - at)));
    if (first == nullptr) return;
    const auto* second = static_cast<const char*>(std::memchr(first + 1, ':', static_cast<size_t>(end - first - 1)));
    if (second == nullptr) return;
    const size_t controllers = static_cast<size_t>(second - first - 1);
    const char* const folder = second + 1;
    const size_t length = end - folder > 1 ? static_cast<size_t>(end - folder) : 0;
    GroupLimit group;
    if (controllers == 0) {
      group = tightest("/sys/fs/cgroup", folder, length, "/memory.max", "/memory.current");
    } else if (controllers == 6 && std::memcmp(first + 1, "memory", 6) == 0) {
      group = tightest("/sys/fs/cgroup/memory", folder, length, "/memory.limit_in_bytes", "/memory.usage_in_bytes");
    }
    if (group.left() < least.left()) least = group;
  });
  return least;
}

// A limit of the process's own; 0 without.
uint64_t own_limit(int resource) noexcept {
  struct rlimit limit = {};
  return sys::get_limit(resource, &limit) && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : 0;
}

}  // namespace

uint64_t memory_headroom() noexcept {
  uint64_t least = tightest_group().left();
  for_each_line<512>("/proc/meminfo", [&](const char* at, const char* end) {
    constexpr char kName[] = "MemAvailable:";
    constexpr size_t kLength = sizeof(kName) - 1;
    if (static_cast<size_t>(end - at) < kLength || std::memcmp(at, kName, kLength) != 0) return;
    for (at += kLength; at != end && *at == ' ';) ++at;
    const uint64_t available = parse_number(at, end, 10) * 1024;
    if (available < least) least = available;
  });
  return least;
}

trace::LimitsRecord memory_limits() noexcept {
  trace::LimitsRecord record;
  const GroupLimit group = tightest_group();
  record.cgroup = group.limit;
  record.cgroup_used = group.used;
  record.address_space = own_limit(RLIMIT_AS);
  record.data = own_limit(RLIMIT_DATA);
  if (record.cgroup == 0 && record.address_space == 0 && record.data == 0) return record;
  // Pages: size, resident, shared, text, 0, data and stack, 0.
  for_each_line<256>("/proc/self/statm", [&](const char* at, const char* end) {
    uint64_t fields[6] = {};
    for (uint64_t& field : fields) {
      field = parse_number(at, end, 10) * kPageBytes;
      while (at != end && *at == ' ') ++at;
    }
    record.address_space_used = fields[0];
    record.resident = fields[1];
    record.data_used = fields[5];
  });
  return record;
}

}  // namespace tidemark

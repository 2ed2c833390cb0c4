// Hooks on limits that a program sets to itself after its start and that our reserved address space would count
// against: RLIMIT_AS, and mlockall, which would bring all of it into memory. Before they take effect we give back what
// we have not used, but for a part in proportion to the limit.
#include <sys/mman.h>
#include <sys/resource.h>

#include "preload/export.h"
#include "preload/next_functions.h"
#include "preload/recorder.h"

using namespace tidemark;

namespace tidemark {
namespace {

constexpr uint64_t kKeptWhenLocked = uint64_t{64} << 20;

void give_back(uint64_t keep) noexcept {
  need_next_functions();
  if (!recording()) return;
  trace_output.shrink(keep);
  recorder.tree().shrink(keep / 2);
}

void limit_comes(int resource, const struct rlimit* limit) noexcept {
  if (resource == RLIMIT_AS && limit != nullptr && limit->rlim_cur != RLIM_INFINITY) give_back(limit->rlim_cur / 8);
}

}  // namespace
}  // namespace tidemark

TIDEMARK_EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit* limit) {
  limit_comes(static_cast<int>(resource), limit);
  need_next_functions();
  return next.setrlimit(static_cast<int>(resource), limit);
}

TIDEMARK_EXPORT int setrlimit64(__rlimit_resource_t resource, const struct rlimit64* limit) {
  static_assert(sizeof(struct rlimit64) == sizeof(struct rlimit));
  const auto* plain = reinterpret_cast<const struct rlimit*>(limit);
  limit_comes(static_cast<int>(resource), plain);
  need_next_functions();
  return next.setrlimit(static_cast<int>(resource), plain);
}

TIDEMARK_EXPORT int prlimit(pid_t pid, __rlimit_resource resource, const struct rlimit* limit, struct rlimit* old) {
  if (pid == 0 || static_cast<uint32_t>(pid) == globals.pid) limit_comes(static_cast<int>(resource), limit);
  need_next_functions();
  return next.prlimit(pid, static_cast<int>(resource), limit, old);
}

TIDEMARK_EXPORT int prlimit64(pid_t pid, __rlimit_resource resource, const struct rlimit64* limit,
                              struct rlimit64* old) {
  const auto* plain = reinterpret_cast<const struct rlimit*>(limit);
  if (pid == 0 || static_cast<uint32_t>(pid) == globals.pid) limit_comes(static_cast<int>(resource), plain);
  need_next_functions();
  return next.prlimit(pid, static_cast<int>(resource), plain, reinterpret_cast<struct rlimit*>(old));
}

TIDEMARK_EXPORT int mlockall(int flags) {
  give_back(kKeptWhenLocked);
  need_next_functions();
  return next.mlockall(flags);
}

// Hooks on limits that a program sets to itself after its start. Against some our reserved address space would count:
// RLIMIT_AS, and mlockall, which would bring all of it into memory; before they take effect we give back what we have
// not used, but for a part in proportion to the limit. Those on memory are recorded once they are in force.
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

// What the real function returned is passed on.
int limit_came(uintptr_t sp, int resource, const struct rlimit* limit, int result) noexcept {
  if (result != 0 || limit == nullptr || (resource != RLIMIT_AS && resource != RLIMIT_DATA)) return result;
  // Not of a vfork child, whose limits are its own.
  if (!in_recorded_process()) return result;
  if (ThreadState* thread = enter(sp); thread != nullptr) {
    sampler.record_limits(*thread);
    leave(thread);
  }
  return result;
}

}  // namespace
}  // namespace tidemark

TIDEMARK_EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit* limit) {
  limit_comes(static_cast<int>(resource), limit);
  need_next_functions();
  const int which = static_cast<int>(resource);
  return limit_came(TIDEMARK_CALLER().sp, which, limit, next.setrlimit(which, limit));
}

TIDEMARK_EXPORT int setrlimit64(__rlimit_resource_t resource, const struct rlimit64* limit) {
  static_assert(sizeof(struct rlimit64) == sizeof(struct rlimit));
  const auto* plain = reinterpret_cast<const struct rlimit*>(limit);
  limit_comes(static_cast<int>(resource), plain);
  need_next_functions();
  const int which = static_cast<int>(resource);
  return limit_came(TIDEMARK_CALLER().sp, which, plain, next.setrlimit(which, plain));
}

TIDEMARK_EXPORT int prlimit(pid_t pid, __rlimit_resource resource, const struct rlimit* limit, struct rlimit* old) {
  const bool ours = pid == 0 || static_cast<uint32_t>(pid) == globals.pid;
  const int which = static_cast<int>(resource);
  if (ours) limit_comes(which, limit);
  need_next_functions();
  const int result = next.prlimit(pid, which, limit, old);
  return ours ? limit_came(TIDEMARK_CALLER().sp, which, limit, result) : result;
}

TIDEMARK_EXPORT int prlimit64(pid_t pid, __rlimit_resource resource, const struct rlimit64* limit,
                              struct rlimit64* old) {
  const auto* plain = reinterpret_cast<const struct rlimit*>(limit);
  const bool ours = pid == 0 || static_cast<uint32_t>(pid) == globals.pid;
  const int which = static_cast<int>(resource);
  if (ours) limit_comes(which, plain);
  need_next_functions();
  const int result = next.prlimit(pid, which, plain, reinterpret_cast<struct rlimit*>(old));
  return ours ? limit_came(TIDEMARK_CALLER().sp, which, plain, result) : result;
}

TIDEMARK_EXPORT int mlockall(int flags) {
  give_back(kKeptWhenLocked);
  need_next_functions();
  return next.mlockall(flags);
}

#include "analyzer/launch/ticks.h"

#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace tidemark::launch {
namespace {

uint64_t read_counter() noexcept {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

}  // namespace

Moment Moment::now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return {read_counter(), static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec)};
}

}  // namespace tidemark::launch

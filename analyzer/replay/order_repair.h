// Mends the order of two events about one address in two streams whose times are closer than the clock is exact
// (trace::kOrderSlackTicks): the counter may be read a little early, so a free can come before its allocation, or an
// allocation before the free of the block that had the address.
//
//   free that finds no block, then an allocation there:    the block was allocated, and then freed
//   allocation where a block lives, then a free of it:     the free ends the block that lived there before
//
// Both are rare: what waits for its counterpart is a handful, and is forgotten when the slack is over. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "analyzer/replay/live_map.h"
#include "trace/format.h"

namespace tidemark::replay {

class OrderRepair {
 public:
  // A free that found no block.
  struct EarlyFree {
    uint64_t time, address;
    uint32_t stream, thread;
    bool by_realloc;
  };
  // A block whose address was allocated again before its free.
  struct Overwritten {
    uint64_t time, address;
    uint32_t stream;  // of the allocation
    LiveBlock block;
  };

  bool empty() const noexcept { return early_frees_.empty() && overwritten_.empty(); }

  void add(const EarlyFree& early) { keep(early_frees_, early); }
  void add(const Overwritten& overwritten) { keep(overwritten_, overwritten); }

  // The free that was waiting for an allocation at `address` by `stream` at `time`, if there is one.
  std::optional<EarlyFree> take_early_free(uint64_t time, uint64_t address, uint32_t stream) {
    return take(early_frees_, time, address, stream);
  }
  // The block that was waiting for a free of `address` by `stream` at `time`, if there is one.
  std::optional<Overwritten> take_overwritten(uint64_t time, uint64_t address, uint32_t stream) {
    return take(overwritten_, time, address, stream);
  }

 private:
  // A damaged trace can make everything wait at one time; this many are enough for a sound one.
  static constexpr size_t kMaxWaiting = 256;

  template <class Waiting>
  static void keep(std::vector<Waiting>& waiting, const Waiting& one) {
    forget(waiting, one.time);
    if (waiting.size() < kMaxWaiting) waiting.push_back(one);
  }

  template <class Waiting>
  static std::optional<Waiting> take(std::vector<Waiting>& waiting, uint64_t time, uint64_t address, uint32_t stream) {
    forget(waiting, time);
    const auto found = std::find_if(waiting.begin(), waiting.end(),
                                    [&](const Waiting& one) { return one.address == address && one.stream != stream; });
    if (found == waiting.end()) return std::nullopt;
    const Waiting taken = *found;
    waiting.erase(found);
    return taken;
  }

  template <class Waiting>
  static void forget(std::vector<Waiting>& waiting, uint64_t time) {
    std::erase_if(waiting, [time](const Waiting& one) { return time - one.time > trace::kOrderSlackTicks; });
  }

  std::vector<EarlyFree> early_frees_;
  std::vector<Overwritten> overwritten_;
};

}  // namespace tidemark::replay

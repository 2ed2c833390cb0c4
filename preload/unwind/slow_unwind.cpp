#include "preload/unwind/slow_unwind.h"

#include <errno.h>
#include <libunwind.h>

#include <atomic>
#include <cstring>

#include "preload/globals.h"
#include "preload/loader_linux.h"
#include "preload/own_memory.h"
#include "preload/recorder.h"
#include "preload/trace_output_linux.h"
#include "system/syscalls_linux.h"

namespace tidemark::unwind {
namespace {

constexpr size_t kFirstCapacity = 1000;  // keys; two pages
constexpr size_t kMaxFrames = 1 << 22;

std::atomic<uint32_t> holder{0};  // the thread that is inside libunwind
std::atomic<bool> stale{false};   // code was unloaded since libunwind looked
bool prepared = false;            // under the lock
uintptr_t lookup_pc = 0;          // under the lock: which module private_iterate_phdr is to give

class Lock {
 public:
  // Waiting is for the checking mode only, and never for the calling thread itself: then a signal handler has
  // interrupted it here, or has left by longjmp (libunwind's own locks are then lost, too, and it is not used again).
  explicit Lock(bool wait) noexcept {
    const uint32_t self = sys::gettid();
    uint32_t other = 0;
    while (!(held_ = holder.compare_exchange_strong(other, self, std::memory_order_acquire)) && wait && other != self) {
      other = 0;
      sys::yield();
    }
  }
  ~Lock() {
    if (held_) holder.store(0, std::memory_order_release);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  bool held() const noexcept { return held_; }

 private:
  bool held_ = false;
};

// libunwind reads the target's memory through this: plainly where the page is known to be readable.
int access_memory(unw_addr_space_t, unw_word_t address, unw_word_t* value, int write, void*) {
  static uint64_t known_pages[256];
  if (write != 0 || address < 4096 || address >= uint64_t{1} << 47) return -UNW_EINVAL;
  for (const uint64_t page : {address >> 12, (address + 7) >> 12}) {
    if (known_pages[page % 256] == page) continue;
    if (!sys::readable(reinterpret_cast<const void*>(page << 12))) return -UNW_EINVAL;
    known_pages[page % 256] = page;
  }
  std::memcpy(value, reinterpret_cast<const void*>(address), sizeof(*value));
  return 0;
}

void prepare() noexcept {
  if (!prepared) {
    unw_get_accessors(unw_local_addr_space)->access_mem = access_memory;
    prepared = true;
  }
  if (stale.exchange(false, std::memory_order_acquire)) unw_flush_cache(unw_local_addr_space, 0, 0);
}

bool append(SlowStack& stack, uint64_t key) noexcept {
  if (stack.count == stack.capacity) {
    const size_t capacity = stack.capacity == 0 ? kFirstCapacity : stack.capacity * 2;
    if (capacity > kMaxFrames) return false;
    auto* larger = static_cast<uint64_t*>(map_own(capacity * sizeof(uint64_t)));
    if (larger == nullptr) return false;
    if (stack.count != 0) std::memcpy(larger, stack.keys, stack.count * sizeof(uint64_t));
    const size_t count = stack.count;
    stack.release();
    stack.keys = larger;
    stack.capacity = capacity;
    stack.count = count;
  }
  stack.keys[stack.count++] = key;
  return true;
}

// With the lock held. Not inlined: its own frame is where libunwind starts.
[[gnu::noinline]] bool unwind_locked(const Caller& caller, SlowStack& stack) noexcept {
  prepare();
  unw_context_t context;
  unw_cursor_t cursor;
  if (unw_getcontext(&context) != 0 || unw_init_local(&cursor, &context) != 0) return false;
  bool found = false, exact = false;
  for (;;) {
    unw_word_t pc = 0, sp = 0;
    unw_get_reg(&cursor, UNW_REG_IP, &pc);
    unw_get_reg(&cursor, UNW_REG_SP, &sp);
    if (pc == 0) stack.complete = true;
    if (pc == 0 || pc >= trace::kAddressLimit) break;
    found = found || (pc == caller.pc && sp == caller.sp);
    if (!found && sp > caller.sp) return false;
    if (found && !append(stack, pc | (exact ? kExactKey : 0))) break;
    lookup_pc = pc - (exact ? 0 : 1);
    const int step = unw_step(&cursor);
    // Of the frame that was stepped out of: the one now at the cursor was interrupted.
    exact = unw_is_signal_frame(&cursor) > 0;
    if (step == 0) stack.complete = true;
    if (step <= 0) break;
  }
  return found;
}

}  // namespace

void SlowStack::release() noexcept {
  if (keys != nullptr) sys::munmap(keys, capacity * sizeof(uint64_t));
  keys = nullptr;
  count = capacity = 0;
}

bool slow_unwind(const Caller& caller, SlowStack& stack) noexcept {
  if (globals.restricted.load(std::memory_order_relaxed)) return false;
  const Lock lock(false);
  if (!lock.held()) return false;
  const int saved_errno = errno;
  const bool found = unwind_locked(caller, stack);
  errno = saved_errno;
  if (!found) stack.release();
  return found;
}

void check_stack(const Caller& caller, uint32_t node) noexcept {
  const Lock lock(true);
  if (!lock.held()) return trace_output.count(trace::UnwindCheck::kUnchecked);
  const int saved_errno = errno;
  static SlowStack expected;  // kept, under the lock, for its memory
  expected.count = 0;
  trace_output.count(trace::UnwindCheck::kEvents);
  bool same = unwind_locked(caller, expected);
  // The stack as the tree has it, outermost first by construction, so compare from the inner end.
  size_t at = 0;
  bool was_cut = false;
  for (uint32_t id = node; id != 0 && same; id = recorder.parent_for_check(id)) {
    const uint64_t key = recorder.key_for_check(id);
    if (key <= trace::kMaxCutPc) {  // what lies outside of a cut is not known
      was_cut = true;
      break;
    }
    same = at < expected.count && expected.keys[at] == key;
    ++at;
  }
  if (was_cut) trace_output.count(trace::UnwindCheck::kCut);
  if (same && !was_cut) same = at == expected.count;
  if (!same) trace_output.count(trace::UnwindCheck::kDifferences);
  errno = saved_errno;
}

void forget_slow_rows() noexcept { stale.store(true, std::memory_order_release); }

// libunwind asks for all modules to find the one of a pc; the pc is known here, and the loader finds its module without
// a lock.
extern "C" int tidemark_private_iterate_phdr(int (*callback)(struct dl_phdr_info*, size_t, void*), void* argument) {
#ifdef TIDEMARK_HAVE_FIND_OBJECT
  if (_dl_find_object != nullptr) {
    struct dl_find_object found = {};
    size_t count = 0;
    if (_dl_find_object(reinterpret_cast<void*>(lookup_pc), &found) != 0) return 0;
    const ElfW(Phdr)* const headers = headers_of(found, count);
    if (headers == nullptr) return 0;
    struct dl_phdr_info info = {};
    info.dlpi_addr = found.dlfo_link_map->l_addr;
    info.dlpi_name = found.dlfo_link_map->l_name;
    info.dlpi_phdr = headers;
    info.dlpi_phnum = static_cast<ElfW(Half)>(count);
    return callback(&info, sizeof(info), argument);
  }
#endif
  return dl_iterate_phdr(callback, argument);
}

}  // namespace tidemark::unwind

#include "preload/unwind/memo_unwinder.h"

#include <atomic>
#include <cstring>

#include "preload/globals.h"
#include "preload/own_memory.h"
#include "preload/recorder.h"
#include "preload/thread_state.h"
#include "preload/unwind/row_table.h"
#include "preload/unwind/slow_unwind.h"
#include "system/syscalls_linux.h"

namespace tidemark::unwind {
namespace {

constexpr size_t kFirstCapacity = 512;        // frames; 56 KiB a thread, touched as stacks deepen
constexpr size_t kLargestCapacity = 1 << 24;  // frames: a stack of a gigabyte and more

// Where the kernel's signal frame (struct ucontext, x86-64) keeps what a step needs, from the stack pointer of the
// trampoline.
constexpr uint64_t kUcontextBp = 120, kUcontextSp = 160, kUcontextPc = 168;

constexpr uint64_t kPageBytes = 4096;

constexpr size_t kLongestSearch = 100000;  // frames, for an interrupted hook: a millisecond

// What the checks read that belong to no frame.
constinit const uint64_t kZero = 0;

}  // namespace

// Goes from `frame` to its caller `outer`. `find_row(key)` gives rows; `read(address, value)` says whether it could.
template <class FindRow, class Read>
[[gnu::always_inline]] inline MemoUnwinder::Step MemoUnwinder::step(Fresh& frame, Fresh& outer, FindRow&& find_row,
                                                                    Read&& read) noexcept {
  const Row row = frame.row = find_row(frame.key);
  const auto offset = static_cast<uint64_t>(int64_t{row.cfa_offset});
  uint64_t cfa = 0;
  if (row.kind == RowKind::kSp) [[likely]] {
    cfa = frame.sp + offset;
  } else if (row.kind == RowKind::kBp) {
    cfa = frame.bp + offset;
  } else {
    switch (row.kind) {
      case RowKind::kBpDeref:
        if (!read(frame.bp + offset, cfa)) return Step::kCutUnreadable;
        break;
      case RowKind::kSignal:
        if (!read(frame.sp + kUcontextPc, outer.key) || !read(frame.sp + kUcontextSp, outer.sp) ||
            !read(frame.sp + kUcontextBp, outer.bp))
          return Step::kCutUnreadable;
        if (outer.key == 0) return Step::kEnd;
        outer.key |= kExactKey;
        return Step::kCaller;
      case RowKind::kEnd:
        return Step::kEnd;
      case RowKind::kNone:
        return Step::kCutNoUnwindInfo;
      default:
        return Step::kOther;
    }
  }
  // Outwards only: wrong unwind information cannot make the walk endless.
  if (cfa <= frame.sp || !read(cfa - 8, outer.key)) [[unlikely]]
    return Step::kCutUnreadable;
  outer.sp = cfa;
  outer.bp = frame.bp;
  if (row.saves_bp != 0) {
    const uint64_t slot = row.saves_bp == 1 ? cfa + static_cast<uint64_t>(int64_t{row.bp_offset}) : frame.bp;
    if (!read(slot, outer.bp)) [[unlikely]]
      return Step::kCutUnreadable;
  }
  return outer.key == 0 ? Step::kEnd : Step::kCaller;
}

// Reads memory that may not be there: asks the kernel once a page.
class CarefulReader {
 public:
  bool operator()(uint64_t address, uint64_t& value) noexcept {
    if (address / kPageBytes != readable_page_ || (address & 7) != 0) {
      if (!sys::readable(reinterpret_cast<const void*>(address))) return false;
      readable_page_ = address / kPageBytes;
    }
    std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof(value));
    return true;
  }

 private:
  uint64_t readable_page_ = 0;
};

bool still_interrupted(const Caller& from, uintptr_t sp) noexcept {
  MemoUnwinder::Fresh frame = {from.pc, from.sp, from.bp, {}}, outer = {};
  CarefulReader read;
  bool in_handler = false;
  for (size_t depth = 0; depth < kLongestSearch; ++depth) {
    const MemoUnwinder::Step result = MemoUnwinder::step(
        frame, outer, [](uint64_t key) { return find_row(nullptr, key); }, read);
    if (result == MemoUnwinder::Step::kEnd) return false;
    if (result != MemoUnwinder::Step::kCaller) return true;
    in_handler = in_handler || frame.row.kind == RowKind::kSignal;
    if (in_handler && outer.sp == sp) return true;
    frame = outer;
  }
  return true;
}

size_t list_frames(const Caller& innermost, bool exact, uint64_t* pairs, size_t most) noexcept {
  MemoUnwinder::Fresh frame = {innermost.pc | (exact ? kExactKey : 0), innermost.sp, innermost.bp, {}}, outer = {};
  CarefulReader read;
  size_t count = 0;
  while (count < most) {
    const MemoUnwinder::Step result = MemoUnwinder::step(
        frame, outer, [](uint64_t key) { return find_row(nullptr, key); }, read);
    pairs[2 * count] = frame.key & ~kExactKey;
    pairs[2 * count + 1] = result == MemoUnwinder::Step::kCaller ? outer.sp : 0;
    ++count;
    if (result != MemoUnwinder::Step::kCaller) break;
    frame = outer;
  }
  return count;
}

// Enters the memo's innermost stack among those seen. It joins as far out as its slots reach, since the memo's outer
// frames stay longest.
void MemoUnwinder::remember() noexcept {
  const Frame& caller = frames_[depth_];
  const auto slots_from = [&](size_t join) { return size_t{caller.checks} - frames_[join].checks; };
  size_t join = depth_;
  while (join > 1 && slots_from(join - 1) <= SeenStack::kSlots) --join;
  const Frame& joined = frames_[join];
  const uint64_t join_offset = joined.sp - caller.sp;
  if (join == depth_ || join > UINT16_MAX || join_offset > UINT32_MAX) return;
  SeenStack stack = {.pc = caller.key,
                     .sp = caller.sp,
                     .bp = caller.bp,
                     .join_bp = joined.bp,
                     .join_offset = static_cast<uint32_t>(join_offset),
                     .join_node = joined.node,
                     .node = caller.node,
                     .join = static_cast<uint16_t>(join),
                     .needs_bp = static_cast<uint8_t>(caller.needs_bp),
                     .slots = static_cast<uint8_t>(slots_from(join)),
                     .slot = {}};
  const Check* check = checks_ + caller.checks;
  for (unsigned i = 0; i < SeenStack::kSlots; ++i) {
    if (i < stack.slots) --check;
    const uint64_t offset = reinterpret_cast<uint64_t>(check->address) - caller.sp;
    if (!SeenStack::pack(offset, check->value, stack.slot[i])) return;
  }
  seen_.add(stack);
}

// As stack(), frame by frame outwards until the memo has the rest.
uint32_t MemoUnwinder::walk(ThreadState& thread, const Caller& caller) noexcept {
  if (capacity_ == 0 && !reserve(kFirstCapacity)) [[unlikely]] {
    trace_output.count(trace::Lost::kTreeFull);
    return 0;
  }
  Frame* top = frames_ + depth_;  // the innermost frame of the memo that may still be part of this stack
  Fresh* here = fresh_;
  *here = {caller.pc, caller.sp, caller.bp, {}};
  unsigned signal_frames = 0;
  for (;;) {
    while (top->sp < here->sp) --top;
    if (top->sp == here->sp && top->key == here->key && (top->bp == here->bp || top->needs_bp == 0)) {
      const auto failed = static_cast<size_t>(first_failed(*top) - checks_);
      if (failed == 0) [[likely]]
        return push(thread, top, here, false);
      // What the memo holds from the frame on whose step read the changed slot is void.
      do --top;
      while (top->checks > failed);
    }
    if (here + 1 == fresh_ + capacity_ - 1) [[unlikely]] {
      const size_t count = static_cast<size_t>(here - fresh_), at = static_cast<size_t>(top - frames_);
      if (!reserve(capacity_ * 2)) return ended(thread, here, trace::kCutUnreadable);
      here = fresh_ + count;
      top = frames_ + at;
    }
    const Step result = step(
        *here, here[1], [&](uint64_t key) { return find_row(&thread, key); },
        [this](uint64_t address, uint64_t& value) { return read(address, value); });
    ++here;
    if (result == Step::kCaller) [[likely]] {
      // Only a signal frame may lead to a lower stack pointer (from an alternate stack); bounded, so that a forged one
      // cannot make the walk endless.
      if (here[-1].row.kind == RowKind::kSignal && ++signal_frames > 64) [[unlikely]]
        return ended(thread, here, trace::kCutUnreadable);
      continue;
    }
    switch (result) {
      case Step::kEnd:
        return ended(thread, here, 0);
      case Step::kCutNoUnwindInfo:
        return ended(thread, here, trace::kCutNoUnwindInfo);
      case Step::kOther:
        return slow_stack(thread, caller, here);
      default:
        return ended(thread, here, trace::kCutUnreadable);
    }
  }
}

// The walk met no frame of the memo: all of the stack is fresh.
uint32_t MemoUnwinder::ended(ThreadState& thread, Fresh* inner_end, uint64_t cut_pc) noexcept {
  // What a wrong step took for a return address is no frame.
  if (cut_pc != 0 && inner_end - fresh_ > 1 && (inner_end[-1].key & ~kExactKey) >= trace::kAddressLimit) --inner_end;
  frames_[0].node = cut_pc == 0 ? 0 : recorder.child(thread, 0, cut_pc);
  if (cut_pc != 0 && frames_[0].node == 0) [[unlikely]] {
    trace_output.count(trace::Lost::kTreeFull);
    depth_ = 0;
    return 0;
  }
  return push(thread, frames_, inner_end, true);
}

// Puts the fresh frames before `inner_end` on top of the memo's frame `top`, and returns the innermost one's node. If
// `ends`, the outermost fresh frame has no caller; else its caller is `top`, whose state of now is at `inner_end`.
[[gnu::always_inline]] inline uint32_t MemoUnwinder::push(ThreadState& thread, Frame* top, Fresh* inner_end,
                                                          bool ends) noexcept {
  const auto count = static_cast<size_t>(inner_end - fresh_);
  // Three checks a frame and those of no frame have to fit.
  if (static_cast<size_t>(top - frames_) + count + 1 >= capacity_) [[unlikely]] {
    const size_t at = static_cast<size_t>(top - frames_);
    if (!reserve(at + count + capacity_)) {
      trace_output.count(trace::Lost::kTreeFull);
      depth_ = at;
      return top->node;
    }
    top = frames_ + at;
    inner_end = fresh_ + count;
  }
  const uint32_t first_new = recorder.tree().nodes();
  bool whole = true;
  uint32_t node = top->node;
  size_t checks = top->checks;
  bool outer_needs_bp = top->needs_bp != 0;
  for (Fresh* frame = inner_end; frame != fresh_;) {
    const Fresh& outer = *frame;
    --frame;
    const uint32_t child = recorder.child(thread, node, frame->key);
    if (child == 0) [[unlikely]] {
      trace_output.count(trace::Lost::kTreeFull);
      whole = false;
      break;
    }
    node = child;
    bool needs_bp = false;
    if (!ends) [[likely]] {
      // The slots read in stepping out of the frame. Verifying goes backwards, so a slot whose value is another slot's
      // address comes after it.
      const Row row = frame->row;
      const auto check = [&](uint64_t address, uint64_t value) {
        checks_[checks++] = {reinterpret_cast<const uint64_t*>(address), value};
      };
      if (row.kind == RowKind::kSignal) [[unlikely]] {
        check(frame->sp + kUcontextSp, outer.sp);
        check(frame->sp + kUcontextBp, outer.bp);
        check(frame->sp + kUcontextPc, outer.key & ~kExactKey);
      } else {
        check(outer.sp - 8, outer.key);
        if (row.saves_bp != 0 && outer_needs_bp)
          check(row.saves_bp == 1 ? outer.sp + static_cast<uint64_t>(int64_t{row.bp_offset}) : frame->bp, outer.bp);
        if (row.kind == RowKind::kBpDeref) check(frame->bp + static_cast<uint64_t>(int64_t{row.cfa_offset}), outer.sp);
        needs_bp = row.kind == RowKind::kBp || row.kind == RowKind::kBpDeref || row.saves_bp == 2 ||
                   (row.saves_bp == 0 && outer_needs_bp);
      }
    }
    ends = false;
    *++top = {frame->key, frame->sp, frame->bp, node, static_cast<uint32_t>(checks) & 0x7fffffff, needs_bp};
    outer_needs_bp = needs_bp;
  }
  depth_ = static_cast<size_t>(top - frames_);
  // Not the first time: many stacks come only once.
  if (whole && node < first_new) remember();
  return node;
}

// A frame on the way needs registers that rows do not follow: the whole stack from libunwind, nothing of it remembered.
uint32_t MemoUnwinder::slow_stack(ThreadState& thread, const Caller& caller, Fresh* inner_end) noexcept {
  if (globals.check_unwind) trace_output.count(trace::UnwindCheck::kSlowPath);
  SlowStack found;
  if (!slow_unwind(caller, found)) {
    const uint32_t node = ended(thread, inner_end, trace::kCutSlowUnwinder);
    depth_ = 0;
    return node;
  }
  depth_ = 0;
  uint32_t node = found.complete ? 0 : recorder.child(thread, 0, trace::kCutSlowUnwinder);
  for (size_t i = found.count; i-- > 0;) {
    const uint32_t child = recorder.child(thread, node, found.keys[i]);
    if (child == 0) {
      trace_output.count(trace::Lost::kTreeFull);
      break;
    }
    node = child;
  }
  found.release();
  return node;
}

// Room for `frames` frames; keeps what there is.
bool MemoUnwinder::reserve(size_t frames) noexcept {
  if (frames > kLargestCapacity) return false;
  if (!seen_.init()) return false;
  auto* memory = static_cast<uint8_t*>(map_own(bytes_of(frames)));
  if (memory == nullptr) return false;
  moving_ = true;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  auto* frame_array = reinterpret_cast<Frame*>(memory);
  auto* check_array = reinterpret_cast<Check*>(memory + frames * sizeof(Frame));
  auto* fresh_array = reinterpret_cast<Fresh*>(memory + frames * (sizeof(Frame) + 3 * sizeof(Check)));
  if (capacity_ != 0) {
    std::memcpy(frame_array, frames_, capacity_ * sizeof(Frame));
    std::memcpy(check_array, checks_, capacity_ * 3 * sizeof(Check));
    std::memcpy(fresh_array, fresh_, capacity_ * sizeof(Fresh));
    sys::munmap(frames_, bytes_of(capacity_));
  } else {
    frame_array[0] = {0, UINT64_MAX, 0, 0, kFirstCheck, 0};
    for (unsigned i = 0; i < kFirstCheck; ++i) check_array[i] = {&kZero, i == 0 ? 1u : 0u};
  }
  frames_ = frame_array;
  checks_ = check_array;
  fresh_ = fresh_array;
  capacity_ = frames;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  moving_ = false;
  return true;
}

void MemoUnwinder::forget_code() noexcept {
  depth_ = 0;
  seen_.clear();
  window_bytes_ = 0;
  std::memset(readable_pages_, 0, sizeof(readable_pages_));
}

void MemoUnwinder::release() noexcept {
  seen_.release();
  if (capacity_ != 0) sys::munmap(frames_, bytes_of(capacity_));
  *this = MemoUnwinder();
}

// Asks the kernel about a page that is not in the window; remembers it, so that each page of a stack is asked about
// once.
bool MemoUnwinder::can_read(uint64_t address) noexcept {
  if ((address & 7) != 0 && address % kPageBytes > kPageBytes - 8)
    return can_read(address & ~uint64_t{7}) && can_read((address | 7) + 1);
  const uint64_t page = address / kPageBytes;
  if (page == 0 || address >= uint64_t{1} << 47) return false;
  if (address - window_start_ < window_bytes_) return true;
  if (globals.restricted.load(std::memory_order_relaxed)) return true;  // no call that a filter may forbid
  uint64_t& remembered = readable_pages_[page % kPages];
  if (remembered != page) {
    if (!sys::readable(reinterpret_cast<const void*>(page * kPageBytes))) return false;
    remembered = page;
  }
  // Grow the window when the page touches it, else begin a new one there: stacks are contiguous.
  if (page * kPageBytes == window_start_ + window_bytes_) {
    window_bytes_ += kPageBytes;
  } else if ((page + 1) * kPageBytes == window_start_) {
    window_start_ -= kPageBytes;
    window_bytes_ += kPageBytes;
  } else {
    window_start_ = page * kPageBytes;
    window_bytes_ = kPageBytes;
  }
  return true;
}

}  // namespace tidemark::unwind

#include "preload/unwind/memo_unwinder.h"

#include <cstring>

#include "preload/call_tree.h"
#include "preload/concurrent_map.h"
#include "preload/globals.h"
#include "preload/modules_linux.h"
#include "preload/recorder.h"
#include "preload/syscalls_linux.h"
#include "preload/thread_state.h"
#include "preload/unwind/eh_frame.h"
#include "preload/unwind/slow_unwind.h"

namespace tidemark::unwind {
namespace {

constinit ConcurrentMap rows;

constexpr size_t kFirstCapacity = 512;        // frames; 70 KiB a thread, touched as stacks deepen
constexpr size_t kLargestCapacity = 1 << 24;  // frames: a stack of a gigabyte and more
constexpr unsigned kRowsLog2 = 14;

// Where the kernel's signal frame (struct ucontext, x86-64) keeps what a step needs, from the stack pointer of the
// trampoline.
constexpr uint64_t kUcontextBp = 120, kUcontextSp = 160, kUcontextPc = 168;

constexpr uint64_t kPageBytes = 4096;

uint64_t row_key(uint64_t pc, bool exact) noexcept { return pc << 1 | (exact ? 1 : 0); }
// Call-tree keys tell an interrupted pc from a return address.
uint64_t node_key(uint64_t pc, bool exact) noexcept { return pc | (exact ? kExactKey : 0); }

}  // namespace

bool init_rows() noexcept { return rows.init(kRowsLog2); }
void forget_rows() noexcept { rows.clear(); }
void reset_rows_after_fork() noexcept { rows.reset_after_fork(); }
size_t rows_bytes() noexcept { return rows.bytes(); }

Row MemoUnwinder::find_row(ThreadState& thread, uint64_t pc, bool exact) noexcept {
  const uint64_t packed = rows.find(row_key(pc, exact));
  if (packed != 0) [[likely]]
    return Row::unpack(packed);
  // A return address may be the first byte after its function (a call that does not return): look up the call.
  const uintptr_t lookup = exact ? pc : pc - 1;
  const uint8_t* table = find_unwind_table(thread, lookup);
  if (table == nullptr) return {};
  Row row = decode_row(table, lookup);
  // The loader's entry point is the one piece of its code without unwind information, and the outermost frame of what
  // runs before main.
  if (row.kind == RowKind::kNone && from_loader(pc)) row.kind = RowKind::kEnd;
  if (row.kind != RowKind::kNone) {
    rows.insert(row_key(pc, exact), row.pack());
    if (globals.check_unwind) trace_output.count(trace::UnwindCheck::kDistinctPcs);
  }
  return row;
}

// Goes from `frame` to its caller: fills frame.row, and the next entry's pc, sp, bp and exact behind `frame`.
MemoUnwinder::Step MemoUnwinder::step(ThreadState& thread, Fresh& frame) noexcept {
  Fresh& next = *(&frame + 1);
  frame.row = find_row(thread, frame.pc, frame.exact);
  const Row row = frame.row;
  next.exact = false;
  uint64_t cfa = 0;
  switch (row.kind) {
    case RowKind::kSp:
      cfa = frame.sp + static_cast<uint64_t>(int64_t{row.cfa_offset});
      break;
    case RowKind::kBp:
      cfa = frame.bp + static_cast<uint64_t>(int64_t{row.cfa_offset});
      break;
    case RowKind::kBpDeref:
      if (!read(frame.bp + static_cast<uint64_t>(int64_t{row.cfa_offset}), cfa)) return Step::kCutUnreadable;
      break;
    case RowKind::kSignal:
      if (!read(frame.sp + kUcontextPc, next.pc) || !read(frame.sp + kUcontextSp, next.sp) ||
          !read(frame.sp + kUcontextBp, next.bp))
        return Step::kCutUnreadable;
      next.exact = true;
      return next.pc == 0 ? Step::kEnd : Step::kCaller;
    case RowKind::kEnd:
      return Step::kEnd;
    case RowKind::kOther:
      return Step::kOther;
    case RowKind::kNone:
      return Step::kCutNoUnwindInfo;
  }
  // Outwards only: wrong unwind information cannot make the walk endless.
  if (cfa <= frame.sp) [[unlikely]]
    return Step::kCutUnreadable;
  if (!read(cfa - 8, next.pc)) [[unlikely]]
    return Step::kCutUnreadable;
  next.sp = cfa;
  next.bp = frame.bp;
  if (row.saves_bp != 0) {
    const uint64_t slot = row.saves_bp == 1 ? cfa + static_cast<uint64_t>(int64_t{row.bp_offset}) : frame.bp;
    if (!read(slot, next.bp)) [[unlikely]]
      return Step::kCutUnreadable;
  }
  return next.pc == 0 ? Step::kEnd : Step::kCaller;
}

// The slots read in stepping out of `frame`; in the order in which verifying, which goes backwards, must not take them:
// a slot whose value is another slot's address comes after it.
void MemoUnwinder::push_checks(const Fresh& frame, const Fresh& outer) noexcept {
  const auto push = [this](uint64_t address, uint64_t value) {
    checks_[check_count_++] = {reinterpret_cast<const uint64_t*>(address), value};
  };
  if (frame.row.kind == RowKind::kSignal) {
    push(frame.sp + kUcontextSp, outer.sp);
    push(frame.sp + kUcontextBp, outer.bp);
    push(frame.sp + kUcontextPc, outer.pc);
    return;
  }
  push(outer.sp - 8, outer.pc);
  if (frame.row.saves_bp == 1) push(outer.sp + static_cast<uint64_t>(int64_t{frame.row.bp_offset}), outer.bp);
  if (frame.row.saves_bp == 2) push(frame.bp, outer.bp);
  if (frame.row.kind == RowKind::kBpDeref)
    push(frame.bp + static_cast<uint64_t>(int64_t{frame.row.cfa_offset}), outer.sp);
}

// Verifies all that unwinding from frames_[frame] outwards reads. Returns the index of the innermost frame whose step
// does not hold any more, or SIZE_MAX.
size_t MemoUnwinder::first_failed(size_t frame) const noexcept {
  for (size_t i = frames_[frame].checks; i-- > 0;) {
    if (*checks_[i].address != checks_[i].value) [[unlikely]] {
      while (frame > 0 && frames_[frame - 1].checks > i) --frame;
      return frame;
    }
  }
  return SIZE_MAX;
}

uint32_t MemoUnwinder::stack(ThreadState& thread, const Caller& caller) noexcept {
  last_was_slow_ = last_was_cut_ = false;
  if (capacity_ == 0 && !reserve(kFirstCapacity)) [[unlikely]] {
    trace_output.count(trace::Lost::kTreeFull);
    return 0;
  }
  size_t top = depth_;  // frames of the memo that may still be part of this stack
  size_t count = 0;     // fresh frames so far; fresh_[count] is the one under way
  unsigned signal_frames = 0;
  fresh_[0] = {caller.pc, caller.sp, caller.bp, {}, false};
  for (;;) {
    Fresh* here = &fresh_[count];
    while (top > 0 && frames_[top - 1].sp < here->sp) --top;
    if (top > 0) {
      const Frame& known = frames_[top - 1];
      if (known.sp == here->sp && known.pc == here->pc && known.exact == here->exact &&
          (known.needs_bp == 0 || known.bp == here->bp)) {
        const size_t failed = first_failed(top - 1);
        if (failed == SIZE_MAX) [[likely]]
          return rebuild(thread, top, count, 0);
        // The frames inside of the changed slot hold, with the rbp of now passing through those that do not save it.
        if (count + (top - failed) + 2 > capacity_ && !reserve(capacity_ * 2)) {
          last_was_cut_ = true;
          return rebuild(thread, 0, count + 1, trace::kCutUnreadable);
        }
        uint64_t bp = fresh_[count].bp;
        for (size_t i = top - 1; i > failed; --i, ++count) {
          const Frame& frame = frames_[i];
          fresh_[count] = {frame.pc, frame.sp, bp, find_row(thread, frame.pc, frame.exact != 0), frame.exact != 0};
          if (frame.restores_bp != 0) bp = frames_[i - 1].bp;
        }
        fresh_[count] = {frames_[failed].pc, frames_[failed].sp, bp, {}, frames_[failed].exact != 0};
        top = failed;
        here = &fresh_[count];
      }
    }
    if (count + 2 >= capacity_) [[unlikely]] {
      if (!reserve(capacity_ * 2)) {
        last_was_cut_ = true;
        return rebuild(thread, 0, count + 1, trace::kCutUnreadable);
      }
      here = &fresh_[count];
    }
    const Step result = step(thread, *here);
    ++count;
    switch (result) {
      case Step::kCaller:
        // Only a signal frame may lead to a lower stack pointer (from an alternate stack); bounded, so that a forged
        // one cannot make the walk endless.
        if (here->row.kind == RowKind::kSignal && ++signal_frames > 64) [[unlikely]] {
          last_was_cut_ = true;
          return rebuild(thread, 0, count, trace::kCutUnreadable);
        }
        continue;
      case Step::kEnd:
        return rebuild(thread, 0, count, 0);
      case Step::kCutNoUnwindInfo:
        last_was_cut_ = true;
        return rebuild(thread, 0, count, trace::kCutNoUnwindInfo);
      case Step::kCutUnreadable:
        last_was_cut_ = true;
        return rebuild(thread, 0, count, trace::kCutUnreadable);
      case Step::kOther:
        return slow_stack(thread, caller, count);
    }
  }
}

// Makes the memo: its `base` outermost frames stay, `count` fresh ones come on top. Returns the innermost one's node.
uint32_t MemoUnwinder::rebuild(ThreadState& thread, size_t base, size_t count, uint64_t cut_pc) noexcept {
  uint32_t node = 0;
  if (base != 0) {
    node = frames_[base - 1].node;
    check_count_ = frames_[base - 1].checks;
  } else {
    check_count_ = 0;
    if (cut_pc != 0) node = recorder.child(thread, 0, cut_pc);
  }
  depth_ = base;
  if (base + count > capacity_ && !reserve(base + count + capacity_)) [[unlikely]] {
    depth_ = 0;
    return node;
  }
  for (size_t i = count; i-- > 0;) {
    const Fresh& frame = fresh_[i];
    const bool outermost = base == 0;
    const uint32_t child = recorder.child(thread, node, node_key(frame.pc, frame.exact));
    if (child == 0) [[unlikely]] {
      trace_output.count(trace::Lost::kTreeFull);
      depth_ = 0;
      return node;
    }
    node = child;
    bool needs_bp = false, restores_bp = false;
    if (!outermost) {
      // The frame that it returned to is the fresh one outside of it, or the memo's top.
      Fresh memo_outer;
      const Fresh* outer = &fresh_[i + 1];
      if (i + 1 == count) {
        const Frame& top = frames_[base - 1];
        // fresh_[count] is the frame under way when the walk met the memo: the same, with the rbp of now.
        memo_outer = {top.pc, top.sp, fresh_[count].bp, {}, top.exact != 0};
        outer = &memo_outer;
      }
      push_checks(frame, *outer);
      restores_bp = frame.row.saves_bp != 0 || frame.row.kind == RowKind::kSignal;
      needs_bp = frame.row.kind == RowKind::kBp || frame.row.kind == RowKind::kBpDeref || frame.row.saves_bp == 2 ||
                 (!restores_bp && frames_[base - 1].needs_bp != 0);
    }
    frames_[base++] = {frame.pc, frame.sp,    frame.bp,   node, static_cast<uint32_t>(check_count_) & 0x1fffffff,
                       needs_bp, restores_bp, frame.exact};
  }
  depth_ = base;
  return node;
}

// A frame on the way needs registers that rows do not follow: the whole stack from libunwind, nothing of it remembered.
uint32_t MemoUnwinder::slow_stack(ThreadState& thread, const Caller& caller, size_t fresh) noexcept {
  last_was_slow_ = true;
  if (globals.check_unwind) trace_output.count(trace::UnwindCheck::kSlowPath);
  SlowStack found;
  if (!slow_unwind(caller, found)) {
    last_was_cut_ = true;
    const uint32_t node = rebuild(thread, 0, fresh, trace::kCutSlowUnwinder);
    depth_ = 0;
    return node;
  }
  depth_ = 0;
  last_was_cut_ = !found.complete;
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
  const size_t per_frame = sizeof(Frame) + 3 * sizeof(Check) + sizeof(Fresh);
  const size_t bytes = (frames * per_frame + kPageBytes - 1) & ~(kPageBytes - 1);
  auto* memory = static_cast<uint8_t*>(sys::map_anonymous(bytes));
  if (memory == nullptr) return false;
  auto* frame_array = reinterpret_cast<Frame*>(memory);
  auto* check_array = reinterpret_cast<Check*>(memory + frames * sizeof(Frame));
  auto* fresh_array = reinterpret_cast<Fresh*>(memory + frames * (sizeof(Frame) + 3 * sizeof(Check)));
  if (capacity_ != 0) {
    std::memcpy(frame_array, frames_, capacity_ * sizeof(Frame));
    std::memcpy(check_array, checks_, capacity_ * 3 * sizeof(Check));
    std::memcpy(fresh_array, fresh_, capacity_ * sizeof(Fresh));
    sys::munmap(frames_, (capacity_ * per_frame + kPageBytes - 1) & ~(kPageBytes - 1));
  }
  frames_ = frame_array;
  checks_ = check_array;
  fresh_ = fresh_array;
  capacity_ = frames;
  return true;
}

void MemoUnwinder::release() noexcept {
  const size_t per_frame = sizeof(Frame) + 3 * sizeof(Check) + sizeof(Fresh);
  if (capacity_ != 0) sys::munmap(frames_, (capacity_ * per_frame + kPageBytes - 1) & ~(kPageBytes - 1));
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

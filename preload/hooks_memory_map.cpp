// mmap, munmap and mremap as the program itself calls them. What its allocator maps for the heap is the allocator's
// affair and is not recorded: the caller's module decides. (libc's own calls never come here.)
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "preload/export.h"
#include "preload/next_functions.h"
#include "preload/recorder.h"
#include "preload/settings.h"

using namespace tidemark;

namespace tidemark {
namespace {

// Whether the caller is the program and not the allocator or the loader.
bool from_program(uintptr_t pc) noexcept {
  return recording() && !from_loader(pc) && pc - globals.allocator_start >= globals.allocator_bytes;
}

// Before anything is known (an allocator that initializes itself while we look for it), the kernel itself.
template <class Result>
Result raw_result(long answer) noexcept {
  if (!sys::failed(answer)) return (Result)answer;
  errno = static_cast<int>(-answer);
  return (Result)-1;
}

void* call_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) noexcept {
  if (next.mmap != nullptr) return next.mmap(address, size, protection, flags, fd, offset);
  return raw_result<void*>(sys::call(SYS_mmap, address, size, protection, flags, fd, offset));
}

int call_munmap(void* address, size_t size) noexcept {
  return next.munmap != nullptr ? next.munmap(address, size) : raw_result<int>(sys::munmap(address, size));
}

void* call_mremap(void* old_address, size_t old_size, size_t new_size, int flags, void* target) noexcept {
  if (next.mremap != nullptr) return next.mremap(old_address, old_size, new_size, flags, target);
  return raw_result<void*>(sys::call(SYS_mremap, old_address, old_size, new_size, flags, target));
}

void record_map(const Caller& caller, const void* address, size_t size, int protection, int flags) noexcept {
  ThreadState* thread = enter(caller.sp);
  if (thread == nullptr) return;
  trace::MapRecord record;
  record.address = reinterpret_cast<uintptr_t>(address);
  record.size = size;
  record.protection = static_cast<unsigned>(protection);
  record.flags = static_cast<unsigned>(flags);
  record.node = stack_of(*thread, caller);
  thread->write_sized(record, 0);
  leave(thread);
}

inline void* map(const Caller& caller, void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  void* mapped = call_mmap(address, size, protection, flags, fd, offset);
  if (mapped != MAP_FAILED && from_program(caller.pc)) record_map(caller, mapped, size, protection, flags);
  return mapped;
}

}  // namespace
}  // namespace tidemark

TIDEMARK_EXPORT void* mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  return map(TIDEMARK_CALLER(), address, size, protection, flags, fd, offset);
}

TIDEMARK_EXPORT void* mmap64(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  return map(TIDEMARK_CALLER(), address, size, protection, flags, fd, offset);
}

TIDEMARK_EXPORT int munmap(void* address, size_t size) {
  // Before: afterwards another thread may have mapped something there.
  const Caller caller = TIDEMARK_CALLER();
  if (from_program(caller.pc)) {
    trace::UnmapRecord record;
    record.address = reinterpret_cast<uintptr_t>(address);
    record.size = size;
    record_sized(caller.sp, record, 0);
  }
  return call_munmap(address, size);
}

TIDEMARK_EXPORT void* mremap(void* old_address, size_t old_size, size_t new_size, int flags, ...) {
  void* target = nullptr;
  if ((flags & MREMAP_FIXED) != 0) {
    va_list more;
    va_start(more, flags);
    target = va_arg(more, void*);
    va_end(more);
  }
  void* mapped = call_mremap(old_address, old_size, new_size, flags, target);
  const Caller caller = TIDEMARK_CALLER();
  if (mapped != MAP_FAILED && from_program(caller.pc)) {
    if (ThreadState* thread = enter(caller.sp); thread != nullptr) {
      trace::RemapRecord record;
      record.old_address = reinterpret_cast<uintptr_t>(old_address);
      record.old_size = old_size;
      record.new_address = reinterpret_cast<uintptr_t>(mapped);
      record.new_size = new_size;
      record.node = stack_of(*thread, caller);
      thread->write_sized(record, 0);
      leave(thread);
    }
  }
  return mapped;
}

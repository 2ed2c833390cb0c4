#include "preload/next_functions.h"

#include <dlfcn.h>
#include <link.h>

#include <atomic>
#include <cstring>

#include "preload/elf_symbols_linux.h"
#include "preload/globals.h"
#include "preload/trace_output_linux.h"

namespace tidemark {

constinit NextFunctions next = {};
extern "C" {
long (*tidemark_next_syscall)(long, long, long, long, long, long, long) = tidemark_raw_syscall;
}

namespace bootstrap {

alignas(64) char arena[65536];
static std::atomic<size_t> used{0};

// A block's size lies in the 16 bytes before it.
void* allocate(size_t size, size_t alignment) noexcept {
  if (alignment < 16) alignment = 16;
  if (size > sizeof(arena) || alignment > 4096) return nullptr;
  const size_t needed = 16 + alignment + ((size + 15) & ~size_t{15});
  const size_t offset = used.fetch_add(needed, std::memory_order_relaxed);
  if (offset + needed > sizeof(arena)) return nullptr;
  const uintptr_t block = (reinterpret_cast<uintptr_t>(arena) + offset + 16 + alignment - 1) & ~(alignment - 1);
  std::memcpy(reinterpret_cast<void*>(block - 16), &size, sizeof(size));
  trace_output.count(trace::Lost::kBootstrap);
  return reinterpret_cast<void*>(block);
}

size_t size_of(const void* block) noexcept {
  size_t size;
  std::memcpy(&size, static_cast<const char*>(block) - 16, sizeof(size));
  return size;
}

}  // namespace bootstrap

namespace {

void* look_up(const char* name) noexcept { return defined_behind_us(name) ? dlsym(RTLD_NEXT, name) : nullptr; }

std::atomic<bool> finding{false};

}  // namespace

bool find_next_functions() noexcept {
  // Not again from inside itself: an allocator that initializes itself in a look-up's allocation calls our mmap.
  if (finding.exchange(true, std::memory_order_acquire)) return next.malloc != nullptr && next.free != nullptr;
#define TIDEMARK_FIND(name, result, parameters) \
  if (next.name == nullptr) next.name = reinterpret_cast<result(*) parameters>(look_up(#name));
  TIDEMARK_NEXT_FUNCTIONS(TIDEMARK_FIND)
#undef TIDEMARK_FIND
  if (next.start_main == nullptr) next.start_main = look_up("__libc_start_main");
  if (void* const found = look_up("syscall"); found != nullptr)
    tidemark_next_syscall = reinterpret_cast<decltype(tidemark_next_syscall)>(found);
  if (next.operator_new == nullptr) next.operator_new = reinterpret_cast<void* (*)(size_t)>(look_up("_Znwm"));
  finding.store(false, std::memory_order_release);
  return next.malloc != nullptr && next.free != nullptr;
}

bool program_calls(const char* name, const void* hook) noexcept {
  void* const found = dlsym(RTLD_DEFAULT, name);
  if (found == hook) return true;
  // A position-dependent executable that takes the function's address has an undefined symbol with a value, its own
  // linkage stub, which jumps to ours.
  Dl_info info = {};
  void* entry = nullptr;
  return found != nullptr && dladdr1(found, &info, &entry, RTLD_DL_SYMENT) != 0 && entry != nullptr &&
         static_cast<const ElfW(Sym)*>(entry)->st_shndx == SHN_UNDEF;
}

}  // namespace tidemark

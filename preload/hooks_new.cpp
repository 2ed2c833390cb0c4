// The exported operators new and delete.
//
// Why at all, when most implementations end in malloc: jemalloc, tcmalloc and mimalloc supply operators that do not;
// and where they do end in malloc, recording at the operator saves a frame and a call. Three ways, decided once:
//
//   kDirect      libstdc++'s or libc++'s operators are behind us and no module replaces any of them: their success path
//                is malloc, so we call the allocator ourselves. Failure goes to the real operator, which runs the
//                new-handler and throws.
//   kRecordHere  the module that supplies malloc supplies the operators too: passed on and recorded here.
//   kPassThrough somebody else's operators: passed on; the malloc that they end in is recorded.
#include <stdlib.h>

#include <atomic>
#include <cstring>

#include "preload/elf_symbols_linux.h"
#include "preload/export.h"
#include "preload/loader_linux.h"
#include "preload/modules_linux.h"
#include "preload/next_functions.h"
#include "preload/recorder.h"

namespace tidemark {
namespace {

#define TIDEMARK_NEW_OPERATORS(X)                                             \
  X(_Znwm, void*, (size_t))                                                   \
  X(_Znam, void*, (size_t))                                                   \
  X(_ZnwmRKSt9nothrow_t, void*, (size_t, const void*))                        \
  X(_ZnamRKSt9nothrow_t, void*, (size_t, const void*))                        \
  X(_ZnwmSt11align_val_t, void*, (size_t, size_t))                            \
  X(_ZnamSt11align_val_t, void*, (size_t, size_t))                            \
  X(_ZnwmSt11align_val_tRKSt9nothrow_t, void*, (size_t, size_t, const void*)) \
  X(_ZnamSt11align_val_tRKSt9nothrow_t, void*, (size_t, size_t, const void*)) \
  X(_ZdlPv, void, (void*))                                                    \
  X(_ZdaPv, void, (void*))                                                    \
  X(_ZdlPvm, void, (void*, size_t))                                           \
  X(_ZdaPvm, void, (void*, size_t))                                           \
  X(_ZdlPvRKSt9nothrow_t, void, (void*, const void*))                         \
  X(_ZdaPvRKSt9nothrow_t, void, (void*, const void*))                         \
  X(_ZdlPvSt11align_val_t, void, (void*, size_t))                             \
  X(_ZdaPvSt11align_val_t, void, (void*, size_t))                             \
  X(_ZdlPvmSt11align_val_t, void, (void*, size_t, size_t))                    \
  X(_ZdaPvmSt11align_val_t, void, (void*, size_t, size_t))                    \
  X(_ZdlPvSt11align_val_tRKSt9nothrow_t, void, (void*, size_t, const void*))  \
  X(_ZdaPvSt11align_val_tRKSt9nothrow_t, void, (void*, size_t, const void*))

struct NextOperators {
#define TIDEMARK_MEMBER(name, result, parameters) result(*name) parameters;
  TIDEMARK_NEW_OPERATORS(TIDEMARK_MEMBER)
#undef TIDEMARK_MEMBER
};
constinit NextOperators operators = {};

enum class Way : uint32_t { kUndecided, kDirect, kRecordHere, kPassThrough };
constinit std::atomic<Way> way{Way::kUndecided};

// Whether the global scope resolves every operator to ours: a program that replaces one of them expects the others of
// its runtime library to call its own.
bool nobody_replaces() noexcept;

[[gnu::noinline, gnu::cold]] Way decide() noexcept {
  // The library that has the operators may be known to one plugin only (dlopen of C++ code in a C program).
  const bool behind_us = defined_behind_us("_Znwm") && dlsym(RTLD_NEXT, "_Znwm") != nullptr;
  void* library = behind_us ? RTLD_NEXT : dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) library = dlopen("libc++abi.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) {
    // Operators of a plugin that has its own copy of the runtime library; found again by each call that needs them.
    way.store(Way::kDirect, std::memory_order_release);
    return Way::kDirect;
  }
#define TIDEMARK_FIND(name, result, parameters)                              \
  if (operators.name == nullptr && (!behind_us || defined_behind_us(#name))) \
    operators.name = reinterpret_cast<result(*) parameters>(dlsym(library, #name));
  TIDEMARK_NEW_OPERATORS(TIDEMARK_FIND)
#undef TIDEMARK_FIND
  if (library != RTLD_NEXT) dlclose(library);  // the plugin holds it
  next.operator_new = operators._Znwm;
  const char* const path = module_path(reinterpret_cast<uintptr_t>(operators._Znwm));
  const char* const name = base_name(path);
  Way decided = Way::kPassThrough;
  if (std::strcmp(path, module_path(reinterpret_cast<uintptr_t>(next.malloc))) == 0)
    decided = Way::kRecordHere;
  else if ((std::strncmp(name, "libstdc++.so", 12) == 0 || std::strncmp(name, "libc++", 6) == 0) && nobody_replaces())
    decided = Way::kDirect;
  way.store(decided, std::memory_order_release);
  return decided;
}

template <class Result, class... Parameters>
inline Result call_if(Result (*function)(Parameters...), Parameters... arguments) {
  return function != nullptr ? function(arguments...) : Result();
}

// The operator that the calling module would have had without us, for when none is known to the whole process.
[[gnu::noinline, gnu::cold]] void* operator_of_caller(const Caller& caller, const char* name,
                                                      const void* ours) noexcept {
  void* const found = symbol_of_module(caller.pc, name);
  return found == ours ? nullptr : found;
}

inline Way current_way() noexcept {
  const Way now = way.load(std::memory_order_relaxed);
  return now == Way::kUndecided ? decide() : now;
}

inline void prepare() noexcept {
  if (recording()) [[likely]]
    return;
  if (next.malloc == nullptr) find_next_functions();
  begin_recording();
  if (globals.phase.load(std::memory_order_relaxed) == Phase::kOff) trace_output.count(trace::Lost::kEventsAfterStop);
}

template <class PassOn>
inline void* pass_on_new(Way now, const Caller& caller, size_t size, PassOn& pass_on) {
  const NestedAllocation nested;
  void* block = pass_on(caller);
  if (now == Way::kRecordHere && block != nullptr && recording() && !nested.recorded(block))
    record_alloc(caller, block, size);
  return block;
}

// `pass_on` calls the operator behind us.
template <class PassOn>
inline void* new_block(const Caller& caller, size_t size, PassOn&& pass_on) {
  prepare();
  const Way now = current_way();
  if (now == Way::kDirect) [[likely]] {
    void* block = next.malloc(size == 0 ? 1 : size);
    if (block == nullptr) [[unlikely]]
      return pass_on(caller);
    if (recording()) [[likely]]
      record_alloc(caller, block, size);
    return block;
  }
  return pass_on_new(now, caller, size, pass_on);
}

template <class PassOn>
inline void* new_aligned(const Caller& caller, size_t size, size_t alignment, PassOn&& pass_on) {
  prepare();
  const Way now = current_way();
  if (now == Way::kDirect) [[likely]] {
    // As libstdc++ does it; what it rejects or cannot get, the real operator answers.
    void* block = nullptr;
    if (alignment != 0 && (alignment & (alignment - 1)) == 0 && size < SIZE_MAX / 2)
      block = next.aligned_alloc(alignment, ((size == 0 ? 1 : size) + alignment - 1) & ~(alignment - 1));
    if (block == nullptr) [[unlikely]]
      return pass_on(caller);
    if (recording()) [[likely]]
      record_alloc(caller, block, size);
    return block;
  }
  return pass_on_new(now, caller, size, pass_on);
}

template <class PassOn>
inline void delete_block(const Caller& caller, void* block, PassOn&& pass_on) {
  if (block == nullptr || bootstrap::owns(block)) [[unlikely]]
    return;
  prepare();
  const Way now = current_way();
  if (now != Way::kPassThrough && recording()) [[likely]]
    record_free(caller, block);
  if (now == Way::kDirect) [[likely]]
    return next.free(block);
  ThreadState* const thread = current_thread;
  if (now == Way::kRecordHere && thread != nullptr) thread->deleting = reinterpret_cast<uintptr_t>(block);
  pass_on(caller);
  if (thread != nullptr) thread->deleting = 0;
}

}  // namespace
}  // namespace tidemark

using namespace tidemark;

// Calls `name` behind us; `...` are its arguments. Without any, a failed allocation is all that can be reported.
#define PASS_ON(name, ...)                                                                                             \
  (operators.name != nullptr ? operators.name(__VA_ARGS__)                                                             \
                             : call_if(reinterpret_cast<decltype(operators.name)>(                                     \
                                           operator_of_caller(caller, #name, reinterpret_cast<const void*>(&::name))), \
                                       __VA_ARGS__))

#define NEW(name)                                                                                         \
  TIDEMARK_EXPORT void* name(size_t size) {                                                               \
    return new_block(TIDEMARK_CALLER(), size, [=](const Caller& caller) { return PASS_ON(name, size); }); \
  }
#define NEW_NOTHROW(name)                                                                                      \
  TIDEMARK_EXPORT void* name(size_t size, const void* tag) {                                                   \
    return new_block(TIDEMARK_CALLER(), size, [=](const Caller& caller) { return PASS_ON(name, size, tag); }); \
  }
#define NEW_ALIGNED(name)                                                                     \
  TIDEMARK_EXPORT void* name(size_t size, size_t alignment) {                                 \
    return new_aligned(TIDEMARK_CALLER(), size, alignment,                                    \
                       [=](const Caller& caller) { return PASS_ON(name, size, alignment); }); \
  }
#define NEW_ALIGNED_NOTHROW(name)                                                                  \
  TIDEMARK_EXPORT void* name(size_t size, size_t alignment, const void* tag) {                     \
    return new_aligned(TIDEMARK_CALLER(), size, alignment,                                         \
                       [=](const Caller& caller) { return PASS_ON(name, size, alignment, tag); }); \
  }
#define DELETE(name, parameters, ...)                                                                  \
  TIDEMARK_EXPORT void name parameters {                                                               \
    delete_block(TIDEMARK_CALLER(), block, [=](const Caller& caller) { PASS_ON(name, __VA_ARGS__); }); \
  }

NEW(_Znwm)
NEW(_Znam)
NEW_NOTHROW(_ZnwmRKSt9nothrow_t)
NEW_NOTHROW(_ZnamRKSt9nothrow_t)
NEW_ALIGNED(_ZnwmSt11align_val_t)
NEW_ALIGNED(_ZnamSt11align_val_t)
NEW_ALIGNED_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t)
NEW_ALIGNED_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t)
DELETE(_ZdlPv, (void* block), block)
DELETE(_ZdaPv, (void* block), block)
DELETE(_ZdlPvm, (void* block, size_t size), block, size)
DELETE(_ZdaPvm, (void* block, size_t size), block, size)
DELETE(_ZdlPvRKSt9nothrow_t, (void* block, const void* tag), block, tag)
DELETE(_ZdaPvRKSt9nothrow_t, (void* block, const void* tag), block, tag)
DELETE(_ZdlPvSt11align_val_t, (void* block, size_t alignment), block, alignment)
DELETE(_ZdaPvSt11align_val_t, (void* block, size_t alignment), block, alignment)
DELETE(_ZdlPvmSt11align_val_t, (void* block, size_t size, size_t alignment), block, size, alignment)
DELETE(_ZdaPvmSt11align_val_t, (void* block, size_t size, size_t alignment), block, size, alignment)
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void* block, size_t alignment, const void* tag), block, alignment, tag)
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void* block, size_t alignment, const void* tag), block, alignment, tag)

namespace tidemark {
namespace {
bool nobody_replaces() noexcept {
  // A malloc before ours wants to see what the real operators ask for.
  if (!program_calls("malloc", reinterpret_cast<void*>(&::malloc))) return false;
  if (!program_calls("free", reinterpret_cast<void*>(&::free))) return false;
#define TIDEMARK_OURS(name, result, parameters) \
  if (!program_calls(#name, reinterpret_cast<void*>(&::name))) return false;
  TIDEMARK_NEW_OPERATORS(TIDEMARK_OURS)
#undef TIDEMARK_OURS
  return true;
}
}  // namespace
}  // namespace tidemark

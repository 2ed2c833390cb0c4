#include "preload/modules_linux.h"

#include <errno.h>

#include <atomic>
#include <cstring>

#include "preload/caller_x86_64.h"
#include "preload/globals.h"
#include "preload/loader_linux.h"
#include "preload/slow_heap.h"
#include "preload/thread_state.h"
#include "preload/unwind/row_table.h"
#include "preload/unwind/slow_unwind.h"
#include "system/syscalls_linux.h"
#include "trace/records.h"

namespace tidemark {
namespace {

struct Module {
  uintptr_t start, end, bias;  // start 0: unloaded
  const void* identity;        // the loader's record of it, or where that is not to be had its program headers;
                               // nullptr: never unloaded (the kernel's vdso)
  const char* path;            // a copy of ours
  trace::Bytes build_id;       // in the module's own memory
  uint64_t tls_offset;         // ModuleLoadRecord
};

class Table {
 public:
  bool try_lock() noexcept { return !locked_.exchange(true, std::memory_order_acquire); }
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }

  bool knows(uintptr_t pc) noexcept {
    for (const Module& module : *this)
      if (pc >= module.start && pc < module.end) return true;
    return false;
  }
  // Indices are never reused. The entry is whole before it counts: a forked child may find the table at any moment.
  Module* add(const Module& module) noexcept {
    if (count_ == capacity_) {
      const size_t capacity = capacity_ == 0 ? 64 : capacity_ * 2;
      auto* larger =
          static_cast<Module*>(slow_heap::grow(modules_, capacity_ * sizeof(Module), capacity * sizeof(Module)));
      if (larger == nullptr) return nullptr;
      modules_ = larger;
      capacity_ = capacity;
    }
    modules_[count_] = module;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return &modules_[count_++];
  }
  Module* begin() noexcept { return modules_; }
  Module* end() noexcept { return modules_ + count_; }
  size_t index(const Module* module) const noexcept { return static_cast<size_t>(module - modules_); }

  std::atomic<bool> again_{false};

 private:
  std::atomic<bool> locked_{false};
  Module* modules_ = nullptr;
  size_t count_ = 0, capacity_ = 0;
};

constinit Table table;

trace::Bytes build_id_of(uintptr_t bias, const ElfW(Phdr) * headers, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) {
    if (headers[i].p_type != PT_NOTE) continue;
    const auto* at = reinterpret_cast<const uint8_t*>(bias + headers[i].p_vaddr);
    const uint8_t* const end = at + headers[i].p_memsz;
    while (end - at >= static_cast<ptrdiff_t>(sizeof(ElfW(Nhdr)))) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof(note));
      const uint8_t* const name = at + sizeof(note);
      const uint8_t* const text = name + ((note.n_namesz + 3) & ~3u);
      if (text > end || note.n_descsz > static_cast<size_t>(end - text)) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
        return {text, note.n_descsz};
      at = text + ((note.n_descsz + 3) & ~3u);
    }
  }
  return {};
}

// An absolute path for a module's name as the loader has it: empty is the executable, relative is to the folder of now.
const char* absolute_path(const char* name, char* buffer, size_t size) noexcept {
  if (name == nullptr || *name == 0) {
    const long length = sys::readlink("/proc/self/exe", buffer, size - 1);
    buffer[sys::failed(length) ? 0 : length] = 0;
    return buffer;
  }
  if (std::strchr(name, '/') == nullptr || name[0] == '/') return name;
  const long length = sys::getcwd(buffer, size);
  if (sys::failed(length)) return name;
  const size_t folder = std::strlen(buffer);
  const size_t rest = std::strlen(name);
  if (folder + rest + 2 > size) return name;
  buffer[folder] = '/';
  std::memcpy(buffer + folder + 1, name, rest + 1);
  return buffer;
}

const char* copy_of(const char* text) noexcept {
  const size_t size = std::strlen(text) + 1;
  auto* copy = static_cast<char*>(slow_heap::allocate(size));
  if (copy == nullptr) return "";
  std::memcpy(copy, text, size);
  return copy;
}

void write_load(ThreadState& thread, const Module& module) noexcept {
  trace::ModuleLoadRecord record;
  record.index = table.index(&module);
  record.start = module.start;
  record.end = module.end;
  record.bias = module.bias;
  record.build_id = module.build_id;
  record.path = trace::Bytes::of(module.path);
  record.tls_offset = module.tls_offset;
  thread.write_sized(record, record.path.size + record.build_id.size);
}

// What tells the module that is mapped at `start` now from a later one at the same place.
const void* identity_at(uintptr_t start) noexcept {
#ifdef TIDEMARK_HAVE_FIND_OBJECT
  if (_dl_find_object != nullptr) {
    struct dl_find_object found = {};
    return _dl_find_object(reinterpret_cast<void*>(start), &found) == 0 ? found.dlfo_link_map : nullptr;
  }
#endif
  struct Query {
    uintptr_t start;
    const void* found;
  } query{start, nullptr};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* state) {
        auto* wanted = static_cast<Query*>(state);
        const ModuleRange range = mapped_range(*info);
        if (range.start == wanted->start) wanted->found = info->dlpi_phdr;
        return wanted->found != nullptr ? 1 : 0;
      },
      &query);
  return query.found;
}

// How far below the thread pointer the calling thread's block of a module lies; 0 for one that is allocated apart.
uint64_t tls_offset_of(const dl_phdr_info& info) noexcept {
  constexpr uint64_t kMostStatic = uint64_t{1} << 20;
  if (info.dlpi_tls_data == nullptr) return 0;
  const uint64_t offset = thread_pointer() - reinterpret_cast<uintptr_t>(info.dlpi_tls_data);
  return offset < kMostStatic ? offset : 0;
}

void record_load(ThreadState& thread, uintptr_t bias, const char* name, const ElfW(Phdr) * headers, size_t count,
                 uint64_t tls_offset) noexcept {
  const ModuleRange range = mapped_range(bias, headers, count);
  if (range.end == 0 || table.knows(range.start)) return;
  char buffer[4096];
  const Module module = {range.start,
                         range.end,
                         bias,
                         identity_at(range.start),
                         copy_of(absolute_path(name, buffer, sizeof(buffer))),
                         build_id_of(bias, headers, count),
                         tls_offset};
  if (const Module* added = table.add(module); added != nullptr) write_load(thread, *added);
}

void drop_unloaded(ThreadState& thread) noexcept {
  bool unloaded = false;
  for (Module& module : table) {
    if (module.start == 0 || identity_at(module.start) == module.identity) continue;
    unwind::forget_rows(module.start, module.end);
    module.start = module.end = 0;
    unloaded = true;
    trace::ModuleUnloadRecord record;
    record.index = table.index(&module);
    thread.write_sized(record, 0);
  }
  if (unloaded) {
    unwind::forget_slow_rows();
    globals.code_epoch.fetch_add(1, std::memory_order_release);
  }
}

// Releases the table; looks for unloads if somebody could not meanwhile.
void release_table(ThreadState& thread) noexcept {
  table.unlock();
  while (table.again_.exchange(false, std::memory_order_acquire) && table.try_lock()) {
    drop_unloaded(thread);
    table.unlock();
  }
}

}  // namespace

void record_all_modules(ThreadState& thread) noexcept {
  const int saved_errno = errno;
  if (table.try_lock()) {
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* state) {
          record_load(*static_cast<ThreadState*>(state), info->dlpi_addr, info->dlpi_name, info->dlpi_phdr,
                      info->dlpi_phnum, tls_offset_of(*info));
          return 0;
        },
        &thread);
    release_table(thread);
  }
  errno = saved_errno;
}

void check_for_unloads(ThreadState& thread) noexcept {
  const int saved_errno = errno;
  table.again_.store(true, std::memory_order_release);
  if (table.try_lock()) release_table(thread);
  errno = saved_errno;
}

void record_inherited_modules(ThreadState& thread) noexcept {
  table.unlock();  // whoever held it at the fork is not here
  for (const Module& module : table)
    if (module.start != 0) write_load(thread, module);
}

const uint8_t* find_unwind_table(ThreadState* thread, uintptr_t pc) noexcept {
#ifdef TIDEMARK_HAVE_FIND_OBJECT
  if (_dl_find_object != nullptr) {
    struct dl_find_object found = {};
    if (_dl_find_object(reinterpret_cast<void*>(pc), &found) != 0) return nullptr;
    size_t count = 0;
    const ElfW(Phdr)* const headers = thread == nullptr ? nullptr : headers_of(found, count);
    if (headers != nullptr && table.try_lock()) {
      if (!table.knows(pc))
        record_load(*thread, found.dlfo_link_map->l_addr, found.dlfo_link_map->l_name, headers, count, 0);
      release_table(*thread);
    }
    return static_cast<const uint8_t*>(found.dlfo_eh_frame);
  }
#endif
  struct Query {
    uintptr_t pc;
    const uint8_t* found;
  } query{pc, nullptr};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* state) {
        auto* wanted = static_cast<Query*>(state);
        const ModuleRange range = mapped_range(*info);
        if (!range.covers(wanted->pc)) return 0;
        for (size_t i = 0; i < info->dlpi_phnum; ++i)
          if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            wanted->found = reinterpret_cast<const uint8_t*>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        return 1;
      },
      &query);
  return query.found;
}

const char* module_path(uintptr_t pc) noexcept {
  struct Query {
    uintptr_t pc;
    const char* found;
  } query{pc, ""};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* state) {
        auto* wanted = static_cast<Query*>(state);
        const ModuleRange range = mapped_range(*info);
        if (!range.covers(wanted->pc)) return 0;
        wanted->found = info->dlpi_name;
        return 1;
      },
      &query);
  return query.found;
}

}  // namespace tidemark

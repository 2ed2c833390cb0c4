#include "preload/modules_linux.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>

#include <atomic>
#include <cstring>

#include "preload/globals.h"
#include "preload/slow_heap.h"
#include "preload/syscalls_linux.h"
#include "preload/thread_state.h"
#include "trace/records.h"

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 35)
extern "C" int _dl_find_object(void*, struct dl_find_object*) noexcept __attribute__((weak));
#define TIDEMARK_HAVE_FIND_OBJECT 1
#endif

namespace tidemark {
namespace {

struct Module {
  uintptr_t start, end, bias;
  const void* identity;  // its program headers: distinguishes a module from a later one at the same place
  bool seen;             // by the walk under way
  bool other_namespace;  // not in dl_iterate_phdr's list
};

class Table {
 public:
  bool try_lock() noexcept { return !locked_.exchange(true, std::memory_order_acquire); }
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }
  void reset_after_fork() noexcept {
    locked_.store(false, std::memory_order_relaxed);
    count_ = 0;
    adds_ = subs_ = 0;
  }

  Module* find(uintptr_t start, const void* identity) noexcept {
    for (size_t i = 0; i < count_; ++i)
      if (modules_[i].start == start && modules_[i].identity == identity) return &modules_[i];
    return nullptr;
  }
  // Index of a new entry; indices are never reused, entries of unloaded modules keep `start` 0.
  Module* add() noexcept {
    if (count_ == capacity_) {
      const size_t capacity = capacity_ == 0 ? 64 : capacity_ * 2;
      auto* larger =
          static_cast<Module*>(slow_heap::grow(modules_, capacity_ * sizeof(Module), capacity * sizeof(Module)));
      if (larger == nullptr) return nullptr;
      modules_ = larger;
      capacity_ = capacity;
    }
    return &modules_[count_++];
  }
  Module* begin() noexcept { return modules_; }
  Module* end() noexcept { return modules_ + count_; }
  size_t index(const Module* module) const noexcept { return static_cast<size_t>(module - modules_); }

  uint64_t adds_ = 0, subs_ = 0;  // the loader's counters when the table was last right
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

struct Range {
  uintptr_t start = UINTPTR_MAX, end = 0;
};

Range mapped_range(uintptr_t bias, const ElfW(Phdr) * headers, size_t count) noexcept {
  Range range;
  for (size_t i = 0; i < count; ++i) {
    if (headers[i].p_type != PT_LOAD) continue;
    const uintptr_t start = bias + headers[i].p_vaddr;
    if (start < range.start) range.start = start & ~uintptr_t{4095};
    if (start + headers[i].p_memsz > range.end) range.end = start + headers[i].p_memsz;
  }
  return range;
}

void record_load(ThreadState& thread, uintptr_t bias, const char* name, const ElfW(Phdr) * headers, size_t count,
                 bool other_namespace) noexcept {
  const Range range = mapped_range(bias, headers, count);
  if (range.end == 0) return;
  if (Module* known = table.find(range.start, headers)) {
    known->seen = true;
    return;
  }
  Module* module = table.add();
  if (module == nullptr) return;
  *module = {range.start, range.end, bias, headers, true, other_namespace};
  char buffer[4096];
  trace::ModuleLoadRecord record;
  record.index = table.index(module);
  record.start = range.start;
  record.end = range.end;
  record.bias = bias;
  record.build_id = build_id_of(bias, headers, count);
  record.path = trace::Bytes::of(absolute_path(name, buffer, sizeof(buffer)));
  thread.write_sized(record, record.path.size + record.build_id.size);
}

void walk(ThreadState& thread) noexcept {
  for (Module& module : table) module.seen = module.other_namespace;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* state) {
        table.adds_ = info->dlpi_adds;
        table.subs_ = info->dlpi_subs;
        record_load(*static_cast<ThreadState*>(state), info->dlpi_addr, info->dlpi_name, info->dlpi_phdr,
                    info->dlpi_phnum, false);
        return 0;
      },
      &thread);
  bool unloaded = false;
  for (Module& module : table) {
    if (module.seen || module.start == 0) continue;
    module.start = module.end = 0;
    unloaded = true;
    trace::ModuleUnloadRecord record;
    record.index = table.index(&module);
    thread.write_sized(record, 0);
  }
  if (unloaded) globals.code_epoch.fetch_add(1, std::memory_order_release);
}

bool counters_moved() noexcept {
  return dl_iterate_phdr([](dl_phdr_info* info, size_t,
                            void*) { return info->dlpi_adds != table.adds_ || info->dlpi_subs != table.subs_ ? 1 : 2; },
                         nullptr) == 1;
}

}  // namespace

void sync_modules(ThreadState& thread, bool force) noexcept {
  if (!force && !counters_moved()) return;
  do {
    if (!table.try_lock()) {
      table.again_.store(true, std::memory_order_release);
      return;
    }
    const int saved_errno = errno;
    table.again_.store(false, std::memory_order_relaxed);
    walk(thread);
    table.unlock();
    errno = saved_errno;
  } while (table.again_.load(std::memory_order_acquire));
}

void forget_modules_after_fork() noexcept { table.reset_after_fork(); }

const uint8_t* find_unwind_table(ThreadState* thread, uintptr_t pc) noexcept {
#ifdef TIDEMARK_HAVE_FIND_OBJECT
  if (_dl_find_object != nullptr) {
    struct dl_find_object found = {};
    if (_dl_find_object(reinterpret_cast<void*>(pc), &found) != 0) return nullptr;
    if (thread == nullptr) return static_cast<const uint8_t*>(found.dlfo_eh_frame);
    const auto* file = static_cast<const uint8_t*>(found.dlfo_map_start);
    ElfW(Ehdr) header;
    std::memcpy(&header, file, sizeof(header));
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && found.dlfo_link_map != nullptr && table.try_lock()) {
      const auto* headers = reinterpret_cast<const ElfW(Phdr)*>(file + header.e_phoff);
      bool known = false;
      for (const Module& module : table) known |= pc >= module.start && pc < module.end;
      if (!known)
        record_load(*thread, found.dlfo_link_map->l_addr, found.dlfo_link_map->l_name, headers, header.e_phnum, true);
      table.unlock();
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
        const Range range = mapped_range(info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
        if (wanted->pc < range.start || wanted->pc >= range.end) return 0;
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
        const Range range = mapped_range(info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
        if (wanted->pc < range.start || wanted->pc >= range.end) return 0;
        wanted->found = info->dlpi_name;
        return 1;
      },
      &query);
  return query.found;
}

}  // namespace tidemark

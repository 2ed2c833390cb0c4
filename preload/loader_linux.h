// What the loader tells about modules, in the forms that the recorder needs in several places.
#pragma once

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

extern "C" {
extern char __ehdr_start [[gnu::visibility("hidden")]];  // the linker's: our own ELF header
extern void* __libc_stack_end;                           // in the loader: where the kernel put argc
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 35)
int _dl_find_object(void*, struct dl_find_object*) noexcept __attribute__((weak));
#define TIDEMARK_HAVE_FIND_OBJECT 1
#endif
}

namespace tidemark {

inline const char* base_name(const char* path) noexcept {
  const char* slash = std::strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

// The addresses that a module's segments take, [start, end); end 0 if it has none.
struct ModuleRange {
  uintptr_t start = UINTPTR_MAX, end = 0;
  bool covers(uintptr_t address) const noexcept { return address >= start && address < end; }
};

inline ModuleRange mapped_range(uintptr_t bias, const ElfW(Phdr) * headers, size_t count) noexcept {
  ModuleRange range;
  for (size_t i = 0; i < count; ++i) {
    if (headers[i].p_type != PT_LOAD) continue;
    const uintptr_t start = bias + headers[i].p_vaddr;
    if (start < range.start) range.start = start & ~uintptr_t{4095};
    if (start + headers[i].p_memsz > range.end) range.end = start + headers[i].p_memsz;
  }
  return range;
}

inline ModuleRange mapped_range(const dl_phdr_info& info) noexcept {
  return mapped_range(info.dlpi_addr, info.dlpi_phdr, info.dlpi_phnum);
}

#ifdef TIDEMARK_HAVE_FIND_OBJECT
// The module's program headers, through the ELF header at the start of its mapping; nullptr if there is none.
inline const ElfW(Phdr) * headers_of(const struct dl_find_object& object, size_t& count) noexcept {
  const auto* file = static_cast<const uint8_t*>(object.dlfo_map_start);
  ElfW(Ehdr) header;
  std::memcpy(&header, file, sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || object.dlfo_link_map == nullptr) return nullptr;
  count = header.e_phnum;
  return reinterpret_cast<const ElfW(Phdr)*>(file + header.e_phoff);
}
#endif

}  // namespace tidemark

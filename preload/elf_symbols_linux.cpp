#include "preload/elf_symbols_linux.h"

#include <cstdint>
#include <cstring>

#include "preload/loader_linux.h"

namespace tidemark {
namespace {

uint32_t gnu_hash(const char* name) noexcept {
  uint32_t hash = 5381;
  for (; *name != 0; ++name) hash = hash * 33 + static_cast<unsigned char>(*name);
  return hash;
}

struct Query {
  const char* name;
  bool past_us;
  bool found;
};

// DT_GNU_HASH: 4 words of header, a Bloom filter of 8-byte words, buckets, and the chained hashes of the symbols, whose
// lowest bit ends a chain.
bool defines(const uint32_t* table, const ElfW(Sym) * symbols, const char* strings, const char* name) noexcept {
  const uint32_t buckets = table[0], first = table[1], bloom_words = table[2];
  const uint32_t* const bucket = table + 4 + bloom_words * 2;
  const uint32_t* const chain = bucket + buckets;
  if (buckets == 0) return false;
  const uint32_t hash = gnu_hash(name);
  uint32_t index = bucket[hash % buckets];
  if (index < first) return false;
  for (;; ++index) {
    const uint32_t entry = chain[index - first];
    if ((entry | 1) == (hash | 1) && symbols[index].st_shndx != SHN_UNDEF &&
        std::strcmp(strings + symbols[index].st_name, name) == 0)
      return true;
    if ((entry & 1) != 0) return false;
  }
}

int visit(dl_phdr_info* info, size_t, void* state) noexcept {
  auto* query = static_cast<Query*>(state);
  const ElfW(Dyn)* dynamic = nullptr;
  const bool is_us = mapped_range(*info).covers(reinterpret_cast<uintptr_t>(&__ehdr_start));
  for (size_t i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_DYNAMIC) dynamic = reinterpret_cast<const ElfW(Dyn)*>(info->dlpi_addr + header.p_vaddr);
  }
  if (is_us) query->past_us = true;
  if (is_us || !query->past_us || dynamic == nullptr) return 0;
  // The loader has made these addresses absolute, but for modules whose dynamic section is read-only.
  const auto absolute = [&](ElfW(Addr) address) {
    return address < info->dlpi_addr ? address + info->dlpi_addr : address;
  };
  const uint32_t* table = nullptr;
  const ElfW(Sym)* symbols = nullptr;
  const char* strings = nullptr;
  for (; dynamic->d_tag != DT_NULL; ++dynamic) {
    if (dynamic->d_tag == DT_GNU_HASH) table = reinterpret_cast<const uint32_t*>(absolute(dynamic->d_un.d_ptr));
    if (dynamic->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym)*>(absolute(dynamic->d_un.d_ptr));
    if (dynamic->d_tag == DT_STRTAB) strings = reinterpret_cast<const char*>(absolute(dynamic->d_un.d_ptr));
  }
  if (symbols == nullptr || strings == nullptr) return 0;
  // A module with the old hash table alone cannot be asked so: let dlsym look.
  query->found = table == nullptr || defines(table, symbols, strings, query->name);
  return query->found ? 1 : 0;
}

}  // namespace

void* symbol_of_module(uintptr_t pc, const char* name) noexcept {
  Dl_info info = {};
  void* module = nullptr;  // the loader's record of a module is a handle of dlopen's kind
  if (dladdr1(reinterpret_cast<void*>(pc), &info, &module, RTLD_DL_LINKMAP) == 0 || module == nullptr) return nullptr;
  return dlsym(module, name);
}

bool defined_behind_us(const char* name) noexcept {
  Query query{name, false, false};
  dl_iterate_phdr(visit, &query);
  return query.found;
}

}  // namespace tidemark

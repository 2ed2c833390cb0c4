// Which pages are the kernel's page of zeros: memory that was read and never written. They are mapped, but they are
// nobody's memory, and no resident set counts them; the page map alone cannot tell them from others. From Linux 6.7 on
// an ioctl of the page map can (PAGEMAP_SCAN); before, they are taken for pages in memory.
//
// For the preload library: no libstdc++, no libc state, no locks, no memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "system/syscalls_linux.h"

namespace tidemark::picture {

class ZeroPages {
 public:
  // `page_map` is a descriptor of /proc/PID/pagemap.
  explicit ZeroPages(int page_map) noexcept : page_map_(page_map) {}

  // Calls visit(first, behind), as positions, for the runs of such pages among `pages` from `address` on.
  template <class Visitor>
  void find(uint64_t address, size_t pages, Visitor visit) noexcept {
    if (!works_) return;
    const uint64_t end = address + pages * kPage;
    for (uint64_t at = address; at < end;) {
      Scan scan;
      scan.start = at;
      scan.end = end;
      scan.vector = reinterpret_cast<uintptr_t>(runs_);
      scan.vector_length = kMostRuns;
      const long found = sys::call(SYS_ioctl, page_map_, kPageMapScan, &scan);
      if (sys::failed(found)) {
        works_ = false;
        return;
      }
      for (long i = 0; i < found; ++i)
        visit(static_cast<size_t>((runs_[i].start - address) / kPage),
              static_cast<size_t>((runs_[i].end - address) / kPage));
      if (scan.walk_end <= at) return;
      at = scan.walk_end;
    }
  }

 private:
  // linux/fs.h of 6.7; older headers do not have them.
  struct Scan {
    uint64_t size = sizeof(Scan), flags = 0;
    uint64_t start = 0, end = 0, walk_end = 0;
    uint64_t vector = 0, vector_length = 0, most_pages = 0;
    uint64_t inverted = 0, mask = kZeroPage, any_of = 0, answer = kZeroPage;
  };
  struct Run {
    uint64_t start, end, categories;
  };
  static constexpr uint64_t kZeroPage = 1 << 5;
  static constexpr unsigned kPageMapScan = 3u << 30 | sizeof(Scan) << 16 | 'f' << 8 | 16;
  static constexpr uint64_t kPage = 4096;
  static constexpr size_t kMostRuns = 256;

  int page_map_;
  bool works_ = true;
  Run runs_[kMostRuns];
};

}  // namespace tidemark::picture

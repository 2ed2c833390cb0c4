#include <errno.h>
#include <sys/uio.h>

#include <cstring>
#include <new>

#include "picture/picture.h"
#include "picture/text_file_linux.h"
#include "picture/words.h"
#include "picture/zero_pages_linux.h"
#include "trace/chunk_writer.h"

namespace tidemark::picture {
namespace {

using trace::PageState;
using trace::RegionRecord;
using trace::WordsRecord;

constexpr size_t kPage = 4096;
constexpr size_t kWindowPages = 512;  // looked through at a time; the copy of them stays in the second cache
constexpr size_t kFirstChunk = size_t{64} << 10;
constexpr size_t kMostFrames = 256;  // what a record's text holds
// Of words that are only hints, some are enough.
constexpr uint64_t kMostVtableWords = uint64_t{1} << 20;
constexpr unsigned kVtablePagesBeyond = 64;  // one page of so many
constexpr uint64_t kMostPossibleWords = uint64_t{8} << 10;
constexpr uint64_t kPossiblePages = 256;
constexpr uint64_t kNotPositionIndependent = 0x1000'0000;  // such executables lie below

struct Region {
  uint64_t start, end;
  uint64_t flags, offset;
  uint64_t path_hash;
  bool has_file, anonymous, is_stack, is_device;
};

uint64_t hash_of(const char* from, const char* to) noexcept {
  uint64_t hash = 0xcbf29ce484222325;
  for (; from != to; ++from) hash = (hash ^ static_cast<uint8_t>(*from)) * 0x100000001b3;
  return hash;
}

bool begins(const char* from, const char* to, const char* with) noexcept {
  const size_t length = std::strlen(with);
  return static_cast<size_t>(to - from) >= length && std::memcmp(from, with, length) == 0;
}

// An array in memory of its own, which doubles.
template <class T>
class Array {
 public:
  explicit Array(void* (*map_memory)(size_t)) noexcept : map_memory_(map_memory) {}
  T* add(const T& value) noexcept {
    if (count_ == capacity_) {
      const size_t capacity = capacity_ == 0 ? kPage / sizeof(T) + 1 : capacity_ * 2;
      auto* larger = static_cast<T*>(map_memory_(capacity * sizeof(T)));
      if (larger == nullptr) return nullptr;
      if (items_ != nullptr) {
        std::memcpy(larger, items_, count_ * sizeof(T));
        sys::munmap(items_, capacity_ * sizeof(T));
      }
      items_ = larger;
      capacity_ = capacity;
    }
    items_[count_] = value;
    return &items_[count_++];
  }
  void release() noexcept {
    if (items_ != nullptr) sys::munmap(items_, capacity_ * sizeof(T));
    items_ = nullptr;
    count_ = capacity_ = 0;
  }
  T* begin() noexcept { return items_; }
  T* end() noexcept { return items_ + count_; }
  size_t size() const noexcept { return count_; }
  T& operator[](size_t i) noexcept { return items_[i]; }

 private:
  void* (*map_memory_)(size_t);
  T* items_ = nullptr;
  size_t count_ = 0, capacity_ = 0;
};

// The pages of a region as the kernel's page map has them.
class PageMap {
 public:
  PageMap(uint32_t pid, bool own) noexcept {
    PathText path;
    path.process(own ? 0 : pid).add("/pagemap");
    fd_ = sys::open(path.text(), O_RDONLY | O_CLOEXEC);
  }
  ~PageMap() {
    if (!sys::failed(fd_)) sys::close(static_cast<int>(fd_));
  }
  PageMap(const PageMap&) = delete;
  PageMap& operator=(const PageMap&) = delete;

  // False: it cannot be read, as that of a process that is gone, or that nobody may look at.
  bool read(uint64_t address, size_t pages, uint64_t* entries) const noexcept {
    if (sys::failed(fd_)) return false;
    const long got =
        sys::pread(static_cast<int>(fd_), entries, pages * sizeof(uint64_t), static_cast<int64_t>(address / kPage * 8));
    return got == static_cast<long>(pages * sizeof(uint64_t));
  }

  int descriptor() const noexcept { return static_cast<int>(fd_); }

  // The same for this process's memory without a page map: of shared and file memory also what others have in memory.
  static bool ask(uint64_t address, size_t pages, uint64_t* entries) noexcept {
    uint8_t resident[kWindowPages];
    if (sys::call(SYS_mincore, address, pages * kPage, resident) != 0) return false;
    for (size_t i = 0; i < pages; ++i) entries[i] = uint64_t{resident[i]} << 63;
    return true;
  }

  static PageState state(uint64_t entry) noexcept {
    if ((entry >> 62 & 1) != 0) return PageState::kSwapped;
    if ((entry >> 63) == 0) return PageState::kAbsent;
    return (entry >> 61 & 1) != 0 ? PageState::kPresentFile : PageState::kPresent;
  }

 private:
  long fd_;
};

class PictureWriter {
 public:
  explicit PictureWriter(const Job& job) noexcept
      : job_(job),
        regions_(job.map_memory),
        ranges_memory_(job.map_memory),
        memory_pages_(job.memory_of, job.memory_of == 0),
        zero_pages_(memory_pages_.descriptor()),
        file_pages_(job.files_of, job.files_of == 0) {}

  int write() noexcept {
    const int64_t begun = sys::clock_ns(CLOCK_MONOTONIC);
    trace::PictureRecord first;
    first.id = job_.id;
    first.reason = static_cast<uint64_t>(job_.reason);
    first.cut = job_.cut;
    first.outside = job_.memory_of != 0 ? 1 : 0;
    put(first, 0);
    for (size_t i = 0; i < job_.stream_cut_count; ++i) put(job_.stream_cuts[i], 0);
    write_regions();
    for (size_t i = 0; i < job_.thread_count; ++i) write_thread(job_.threads[i]);
    plan();
    // First, while the process is there: it may be about to end.
    for (const Region& region : regions_) {
      if ((region.flags & RegionRecord::kOwn) != 0)
        count_own(region);
      else if (counted_first(region))
        count_pages(region, region.end, file_pages_);
    }
    if (job_.pages_counted != nullptr) job_.pages_counted(job_.chunks.context);
    for (const Region& region : regions_) look_through(region);
    for (size_t i = 0; i < job_.kernel_word_count; ++i) kernel_.add(8 * (i + 1), job_.kernel_words[i], *this);
    for (WordCoder* coder : {&plain_, &tagged_, &kernel_, &vtables_, &xored_, &compressed_}) coder->finish(*this);
    end_.words = plain_.total() + tagged_.total();
    end_.error = static_cast<uint64_t>(error_);
    end_.rss = job_.resident.all;
    end_.rss_anon = job_.resident.anonymous;
    end_.rss_file = job_.resident.file;
    end_.rss_shmem = job_.resident.shared;
    end_.trace_bytes = job_.trace_resident;
    end_.trace_claimed = job_.trace_claimed;
    end_.duration_ns = static_cast<uint64_t>(sys::clock_ns(CLOCK_MONOTONIC) - begun);
    // An end that says why is worth the last of the room.
    last_ = true;
    put(end_, 0);
    end_chunk();
    regions_.release();
    ranges_memory_.release();
    return error_;
  }

  void operator()(const WordsRecord& record) noexcept { put(record, record.words.size); }

 private:
  template <class Record>
  void put(const Record& record, size_t text_bytes) noexcept {
    if (error_ != 0 && !last_) return;
    if (!writer_.room(trace::ChunkWriter::sized_room(text_bytes)) && !next_chunk()) return;
    writer_.sized(job_.now_ticks(), record);
  }

  void end_chunk() noexcept {
    if (chunk_ == nullptr) return;
    const int error = job_.chunks.done(job_.chunks.context, static_cast<size_t>(writer_.cursor() - chunk_));
    if (error != 0) fail(error);
  }

  bool next_chunk() noexcept {
    end_chunk();
    chunk_bytes_ = chunk_ == nullptr ? kFirstChunk : trace::kMaxChunkBytes;
    chunk_ = error_ == 0 ? job_.chunks.claim(job_.chunks.context, chunk_bytes_) : nullptr;
    if (chunk_ == nullptr) {
      if (error_ == 0) error_ = ENOSPC;
      writer_.detach();
      return false;
    }
    writer_.begin(chunk_, static_cast<uint32_t>(chunk_bytes_), trace::kPictureStream + static_cast<uint32_t>(job_.id),
                  sequence_++, 0, job_.now_ticks(), 0);
    return true;
  }

  void fail(int error) noexcept {
    if (error_ == 0) error_ = error;
  }

  void write_regions() noexcept {
    PathText path;
    path.process(job_.memory_of).add("/maps");
    if (!for_each_line<size_t{16} << 10>(path.text(), [&](const char* at, const char* end) { read_region(at, end); }))
      fail(EACCES);
  }

  // 7f0000000000-7f0000021000 rw-p 00000000 08:01 123    /path
  void read_region(const char* at, const char* end) noexcept {
    RegionRecord record;
    record.start = parse_number(at, end, 16);
    ++at;
    record.end = parse_number(at, end, 16);
    if (end - at < 6 || record.end <= record.start) return;
    const char* const rights = ++at;
    record.flags = (rights[0] == 'r' ? RegionRecord::kRead : 0) | (rights[1] == 'w' ? RegionRecord::kWrite : 0) |
                   (rights[2] == 'x' ? RegionRecord::kExecute : 0) | (rights[3] == 's' ? RegionRecord::kShared : 0);
    at += 5;
    record.offset = parse_number(at, end, 16);
    // Device and inode, then blanks, then the path.
    for (int field = 0; field < 3 && at != end; ++field) {
      while (at != end && *at == ' ') ++at;
      if (field == 2) break;
      while (at != end && *at != ' ') ++at;
    }
    record.path = {reinterpret_cast<const uint8_t*>(at), static_cast<size_t>(end - at)};
    const bool own = record.start >= job_.own_start && record.end <= job_.own_end;
    Region region = {};
    region.start = record.start;
    region.end = record.end;
    region.path_hash = hash_of(at, end);
    const bool shared = (record.flags & RegionRecord::kShared) != 0;
    // Memory of large pages, and zeroed memory, has a file's name.
    const bool like_anonymous =
        begins(at, end, "/anon_hugepage") || begins(at, end, "/dev/hugepages") || begins(at, end, "/dev/zero");
    region.is_device = begins(at, end, "/dev/") && !like_anonymous && !begins(at, end, "/dev/shm/");
    region.has_file = at != end && *at == '/' && !like_anonymous;
    region.is_stack = begins(at, end, "[stack]");
    region.anonymous =
        !shared && (at == end || like_anonymous || begins(at, end, "[heap]") || begins(at, end, "[anon"));
    const bool special = begins(at, end, "[v");  // [vvar], [vdso]
    const bool readable = (record.flags & RegionRecord::kRead) != 0;
    // Memory that was made read-only for protection counts, too.
    if (own)
      record.flags |= RegionRecord::kOwn;
    else if (readable && !special && !region.is_device &&
             ((record.flags & RegionRecord::kWrite) != 0 || region.anonymous))
      record.flags |= RegionRecord::kScanned;
    region.flags = record.flags;
    region.offset = record.offset;
    if (regions_.add(region) == nullptr) fail(ENOMEM);
    put(record, record.path.size);
  }

  void write_thread(const Thread& thread) noexcept {
    trace::PictureThreadRecord record;
    record.tid = thread.tid;
    record.kind = thread.kind;
    record.sp = thread.sp;
    record.pc = thread.pc;
    record.thread_pointer = thread.thread_pointer;
    record.registers = {reinterpret_cast<const uint8_t*>(thread.registers),
                        thread.register_count * sizeof(thread.registers[0])};
    const size_t frames = job_.frames_of == nullptr ? 0 : job_.frames_of(thread, pairs_, kMostFrames);
    record.frames = {reinterpret_cast<const uint8_t*>(pairs_), frames * 16};
    put(record, record.registers.size + record.frames.size);
  }

  // Where pointers may lead, and how densely hints are taken.
  void plan() noexcept {
    for (size_t i = 0; i < regions_.size(); ++i) {
      const Region& region = regions_[i];
      if ((region.flags & RegionRecord::kOwn) != 0 || region.is_stack || region.is_device) continue;
      const bool shared = (region.flags & RegionRecord::kShared) != 0;
      const bool constants = region.has_file && !shared &&
                             (region.flags & (RegionRecord::kWrite | RegionRecord::kExecute)) == 0 &&
                             (region.start < kNotPositionIndependent ||
                              (i + 1 < regions_.size() && regions_[i + 1].path_hash == region.path_hash &&
                               (regions_[i + 1].flags & RegionRecord::kWrite) != 0));
      if (!region.anonymous && !shared && !constants) continue;
      if (ranges_memory_.add({region.start, region.end, constants}) == nullptr) fail(ENOMEM);
      if (region.anonymous && (region.flags & RegionRecord::kScanned) != 0) heap_bytes_ += region.end - region.start;
    }
    ranges_.set(ranges_memory_.begin(), ranges_memory_.size());
    possible_every_ = heap_bytes_ / kPage / kPossiblePages + 1;
  }

  // Whether its pages are those of the process: of files and shared memory the copy has none before it asks for them.
  static bool counted_first(const Region& region) noexcept {
    const bool shared = (region.flags & RegionRecord::kShared) != 0;
    return !region.anonymous && !region.is_stack && (shared || (region.flags & RegionRecord::kWrite) == 0);
  }

  void count_pages(const Region& region, uint64_t end, const PageMap& map) noexcept {
    residency_.begin(region.start);
    for (uint64_t at = region.start; at < end && error_ == 0; at += kWindowPages * kPage) {
      const uint64_t left = (end - at) / kPage;
      const size_t pages = left < kWindowPages ? static_cast<size_t>(left) : kWindowPages;
      if (!map.read(at, pages, entries_)) break;
      for (size_t i = 0; i < pages; ++i) residency_.add(PageMap::state(entries_[i]), 1, *this);
    }
    residency_.finish(*this);
  }

  // The recorder's. Its tables are private memory; the trace grows all the time, so how much of it is there must be
  // known from the moment of the cut.
  void count_own(const Region& region) noexcept {
    if (!counted_first(region)) {
      count_pages(region, region.end < job_.own_used ? region.end : job_.own_used, memory_pages_);
    } else if (job_.trace_resident == 0 && job_.trace_bytes > region.offset) {
      const uint64_t used = job_.trace_bytes - region.offset;
      const uint64_t all = region.end - region.start;
      count_pages(region, region.start + (used < all ? (used + kPage - 1) / kPage * kPage : all), file_pages_);
    }
  }

  void look_through(const Region& region) noexcept {
    if ((region.flags & RegionRecord::kOwn) != 0) return;
    const bool scanned = (region.flags & RegionRecord::kScanned) != 0;
    const bool counted = counted_first(region);
    if (counted && !scanned) return;
    const PageMap& map = counted ? file_pages_ : memory_pages_;
    residency_.begin(region.start);
    for (uint64_t at = region.start; at < region.end; at += kWindowPages * kPage) {
      if (error_ != 0) return;
      const uint64_t left = (region.end - at) / kPage;
      const size_t pages = left < kWindowPages ? static_cast<size_t>(left) : kWindowPages;
      // Never all of it: reading what is not there would make it be there.
      const bool known = map.read(at, pages, entries_);
      if (!known) {
        if (!counted) residency_.add(PageState::kAbsent, pages, *this);
        if (!scanned) continue;
        if (job_.memory_of != 0 || !PageMap::ask(at, pages, entries_)) {
          end_.unreadable_bytes += pages * kPage;
          continue;
        }
      } else if (!counted) {
        // Nothing is in them, neither pointers nor anything that counts.
        zero_pages_.find(at, pages, [this](size_t first, size_t behind) {
          for (size_t i = first; i < behind; ++i) entries_[i] = 0;
        });
      }
      for (size_t i = 0; i < pages;) {
        const PageState state = PageMap::state(entries_[i]);
        size_t run = i + 1;
        while (run < pages && PageMap::state(entries_[run]) == state) ++run;
        if (known && !counted) residency_.add(state, run - i, *this);
        const uint64_t bytes = (run - i) * kPage;
        if (scanned && state == PageState::kSwapped) end_.swapped_bytes += bytes;
        if (scanned && (state == PageState::kPresent || state == PageState::kPresentFile))
          scan(region, at + i * kPage, bytes);
        i = run;
      }
    }
    residency_.finish(*this);
  }

  void scan(const Region& region, uint64_t address, uint64_t bytes) noexcept {
    // A copy's anonymous memory that is there stays there. Everything else may not.
    if (job_.memory_of == 0 && (region.flags & RegionRecord::kShared) == 0 && (region.anonymous || region.is_stack)) {
      words(reinterpret_cast<const uint64_t*>(address), bytes, address);
      return;
    }
    const struct iovec to = {buffer_, bytes}, from = {reinterpret_cast<void*>(address), bytes};
    const uint32_t pid = job_.memory_of != 0 ? job_.memory_of : sys::getpid();
    const long got = sys::call(SYS_process_vm_readv, pid, &to, 1, &from, 1, 0);
    const bool forbidden = got == -EPERM || got == -ENOSYS;
    if (forbidden && job_.memory_of == 0 && (region.flags & RegionRecord::kShared) == 0) {
      words(reinterpret_cast<const uint64_t*>(address), bytes, address);
      return;
    }
    const uint64_t read = got > 0 ? static_cast<uint64_t>(got) : 0;
    words(buffer_, read, address);
    end_.unreadable_bytes += bytes - read;
    // A hole in the middle: page by page behind it.
    for (uint64_t at = (read + kPage) & ~uint64_t{kPage - 1}; read < bytes && at < bytes; at += kPage) {
      const struct iovec page_to = {buffer_, kPage}, page_from = {reinterpret_cast<void*>(address + at), kPage};
      if (sys::call(SYS_process_vm_readv, pid, &page_to, 1, &page_from, 1, 0) != kPage) continue;
      words(buffer_, kPage, address + at);
      end_.unreadable_bytes -= kPage;
    }
  }

  void words(const uint64_t* memory, uint64_t bytes, uint64_t address) noexcept {
    end_.scanned_bytes += bytes;
    for_each_candidate(
        memory, static_cast<size_t>(bytes / 8), address, ranges_, [this](uint64_t source, uint64_t word) {
          const Range* const range = ranges_.find(word & kAddressMask);
          if (range == nullptr) return;
          if (!range->constants) {
            if (word >> 48 == 0) [[likely]]
              plain_.add(source, word, *this);
            else
              tagged_.add(source, word & kAddressMask, *this);
          } else if (word >> 48 == 0 && (word & 7) == 0 &&
                     (vtables_.total() < kMostVtableWords || page_hash(source) % kVtablePagesBeyond == 0)) {
            vtables_.add(source, word, *this);
          }
        });
    if (compressed_.total() >= kMostPossibleWords && xored_.total() >= kMostPossibleWords) return;
    for (uint64_t at = 0; at + kPage <= bytes; at += kPage) {
      if (page_hash(address + at) % possible_every_ == 0) possible_words(memory + at / 8, address + at);
    }
  }

  static uint64_t page_hash(uint64_t address) noexcept { return address / kPage * 0x9e3779b97f4a7c15 >> 40; }

  // Words of a page that would be pointers if they were the xor of two, 32 bits of one, or one in units of 8 or 16.
  void possible_words(const uint64_t* page, uint64_t address) noexcept {
    const uint64_t xor_limit = uint64_t{1} << (64 - __builtin_clzll(ranges_.span() | 1));
    for (size_t i = 0; i < kPage / 8; ++i) {
      const uint64_t word = page[i];
      if (word == 0) continue;
      if ((word & 15) == 0 && word < xor_limit && !in_range(word) && xored_.total() < kMostPossibleWords)
        xored_.add(address + 8 * i, word, *this);
      if (in_range(word & kAddressMask) || compressed_.total() + 1 >= kMostPossibleWords) continue;
      if (word >> 32 != 0 && (in_range(word << 3) || in_range(word << 4))) {
        compressed_.add(address + 8 * i, word, *this);
        continue;
      }
      for (unsigned half = 0; half < 2; ++half) {
        const auto value = static_cast<uint32_t>(word >> (32 * half));
        if (value != 0 && may_be_compressed(value)) compressed_.add(address + 8 * i + 4 * half, value, *this);
      }
    }
  }

  bool in_range(uint64_t address) noexcept {
    if (!ranges_.may_hold(address)) return false;
    const Range* const range = ranges_.find(address);
    return range != nullptr && !range->constants;
  }

  // In bytes or in units of 8 or 16, as the lower half of an address or from a region's start.
  bool may_be_compressed(uint64_t value) noexcept {
    for (size_t i = 0; i < ranges_memory_.size(); ++i) {
      const Range& range = ranges_memory_[i];
      if (range.constants) continue;
      for (const unsigned shift : {0u, 3u, 4u}) {
        const uint64_t distance = value << shift;
        const uint64_t upper_half = range.start >> (32 + shift) << (32 + shift);
        if ((upper_half | distance) - range.start < range.end - range.start || distance < range.end - range.start)
          return true;
      }
    }
    return false;
  }

  // Runs of equal pages of a region. Absent ones at its end go without saying.
  class Residency {
   public:
    void begin(uint64_t start) noexcept {
      record_.start = next_ = start;
      used_ = 0;
      run_ = 0;
      any_ = false;
    }
    void add(PageState state, uint64_t pages, PictureWriter& to) noexcept {
      if (state != state_ && run_ != 0) push(to);
      state_ = state;
      run_ += pages;
    }
    void finish(PictureWriter& to) noexcept {
      if (run_ != 0 && state_ != PageState::kAbsent) push(to);
      flush(to);
      run_ = 0;
    }

   private:
    void push(PictureWriter& to) noexcept {
      uint8_t* const at = trace::put_varint(runs_ + used_, run_ << 2 | static_cast<uint64_t>(state_));
      used_ = static_cast<size_t>(at - runs_);
      next_ += run_ * kPage;
      any_ = any_ || state_ != PageState::kAbsent;
      run_ = 0;
      if (used_ > trace::kMaxTextBytes - 9) flush(to);
    }
    void flush(PictureWriter& to) noexcept {
      record_.runs = {runs_, used_};
      if (any_) to.put(record_, used_);
      record_.start = next_;
      used_ = 0;
      any_ = false;
    }

    trace::ResidencyRecord record_;
    PageState state_ = PageState::kAbsent;
    uint64_t run_ = 0, next_ = 0;
    size_t used_ = 0;
    bool any_ = false;
    uint8_t runs_[trace::kMaxTextBytes + 16];
  };

  const Job& job_;
  Array<Region> regions_;
  Array<Range> ranges_memory_;
  Ranges ranges_;
  PageMap memory_pages_;
  ZeroPages zero_pages_;
  PageMap file_pages_;
  Residency residency_;
  WordCoder plain_{WordsRecord::kPlain}, tagged_{WordsRecord::kTagged}, kernel_{WordsRecord::kKernel},
      vtables_{WordsRecord::kVtable}, xored_{WordsRecord::kPossibleXor},
      compressed_{WordsRecord::kPossibleCompressed, 2};
  trace::PictureEndRecord end_;
  uint64_t heap_bytes_ = 0, possible_every_ = 1;
  trace::ChunkWriter writer_;
  uint8_t* chunk_ = nullptr;
  size_t chunk_bytes_ = 0;
  uint32_t sequence_ = 0;
  int error_ = 0;
  bool last_ = false;
  uint64_t pairs_[2 * kMostFrames];
  uint64_t entries_[kWindowPages];
  uint64_t buffer_[kWindowPages * kPage / 8];
};

}  // namespace

int write_picture(const Job& job) noexcept {
  // Too large for small stacks.
  void* const memory = job.map_memory((sizeof(PictureWriter) + kPage - 1) & ~(kPage - 1));
  if (memory == nullptr) return ENOMEM;
  auto* writer = new (memory) PictureWriter(job);
  const int error = writer->write();
  writer->~PictureWriter();
  sys::munmap(memory, (sizeof(PictureWriter) + kPage - 1) & ~(kPage - 1));
  return error;
}

// "tfd:        5 events:       19 data:     7f12a4001230  pos:0 ino:..."
size_t read_epoll_words(uint32_t pid, uint64_t* words, size_t most) noexcept {
  size_t count = 0;
  PathText folder;
  folder.process(pid).add("/fd");
  for_each_number(folder.text(), [&](uint32_t fd) {
    PathText link;
    link.process(pid).add("/fd/").add(uint64_t{fd});
    char target[64] = {};
    const long length = sys::readlink(link.text(), target, sizeof(target) - 1);
    if (length <= 0 || std::strcmp(target, "anon_inode:[eventpoll]") != 0) return;
    PathText info;
    info.process(pid).add("/fdinfo/").add(uint64_t{fd});
    for_each_line<1024>(info.text(), [&](const char* at, const char* end) {
      if (!begins(at, end, "tfd:")) return;
      for (; end - at > 5; ++at) {
        if (std::memcmp(at, "data:", 5) != 0) continue;
        at += 5;
        while (at != end && *at == ' ') ++at;
        const uint64_t value = parse_number(at, end, 16) & kAddressMask;
        if (value >= kPage && count < most) words[count++] = value;
        return;
      }
    });
  });
  return count;
}

}  // namespace tidemark::picture

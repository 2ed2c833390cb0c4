#include "preload/trace_output_linux.h"

#include <errno.h>

#include <cstring>

#include "preload/globals.h"
#include "preload/own_memory.h"
#include "preload/samples_linux.h"
#include "system/syscalls_linux.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace tidemark {

constinit TraceOutput trace_output;

namespace {

constexpr uint64_t kDefaultLimit = uint64_t{16} << 30;
constexpr uint64_t kSmallestWindow = uint64_t{256} << 10;
constexpr uint64_t kSeccompReserve = uint64_t{64} << 20;  // some ten million events

char* append(char* at, const char* end, const char* text) noexcept {
  while (*text != 0 && at < end - 1) *at++ = *text++;
  *at = 0;
  return at;
}

char* append_number(char* at, const char* end, uint64_t value) noexcept {
  char digits[24];
  char* digit = digits + sizeof(digits) - 1;
  *digit = 0;
  do *--digit = static_cast<char>('0' + value % 10);
  while ((value /= 10) != 0);
  return append(at, end, digit);
}

char* expand(char* at, const char* end, const char* pattern, const char* program, uint32_t pid) noexcept {
  for (; *pattern != 0; ++pattern) {
    if (pattern[0] == '%' && pattern[1] == 'p') {
      at = append_number(at, end, pid);
      ++pattern;
    } else if (pattern[0] == '%' && pattern[1] == 'e') {
      at = append(at, end, program);
      ++pattern;
    } else {
      const char one[2] = {*pattern, 0};
      if (pattern[0] == '%' && pattern[1] == '%') ++pattern;
      at = append(at, end, one);
    }
  }
  return at;
}

// How large the file may become: the limit, the file system's room, and the process's own limits.
uint64_t window_size(int fd, uint64_t limit) noexcept {
  uint64_t size = limit != 0 ? limit : kDefaultLimit;
  struct statfs file_system = {};
  if (limit == 0 && sys::fstatfs(fd, &file_system) == 0) {
    const uint64_t half_free = file_system.f_bavail / 2 * static_cast<uint64_t>(file_system.f_bsize);
    if (half_free < size) size = half_free;
  }
  struct rlimit bound = {};
  // Past RLIMIT_FSIZE the kernel sends SIGXFSZ before any error returns.
  if (sys::get_limit(RLIMIT_FSIZE, &bound) && bound.rlim_cur < size) size = bound.rlim_cur;
  // A program that bounds its address space needs it itself.
  if (sys::get_limit(RLIMIT_AS, &bound) && bound.rlim_cur != RLIM_INFINITY && bound.rlim_cur / 8 < size)
    size = bound.rlim_cur / 8;
  return size & ~uint64_t{trace::kChunkAlignment - 1};
}

}  // namespace

int TraceOutput::create(const char* pattern, const char* program, uint32_t pid, uint64_t limit) noexcept {
  trimmed_.store(false, std::memory_order_relaxed);
  cut_ = false;
  resident_.store(0, std::memory_order_relaxed);
  claiming_.store(0, std::memory_order_relaxed);
  reserved_until_ = 0;

  const char* const end = path_ + sizeof(path_);
  char* at = path_;
  if (pattern[0] != '/') {
    const long length = sys::getcwd(path_, sizeof(path_));
    if (sys::failed(length) || path_[0] != '/') return ENOENT;
    at = append(path_ + std::strlen(path_), end, "/");
  }
  at = expand(at, end, pattern, program, pid);
  long fd = 0;
  uint32_t suffix = 0;
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  while ((fd = sys::open(path_, kFlags, 0600)) == -EEXIST && suffix < 100000) {
    ++suffix;
    char* tail = append_number(append(at, end, "."), end, pid);
    append_number(append(tail, end, "."), end, suffix);
  }
  if (sys::failed(fd)) return static_cast<int>(-fd);
  const int file = static_cast<int>(fd);

  window_bytes_ = window_size(file, limit);
  long error = 0;
  struct stat status = {};
  if (window_bytes_ < kSmallestWindow)
    error = limit != 0 ? -EFBIG : -ENOSPC;
  else
    error = sys::fstat(file, &status);
  device_ = status.st_dev;
  inode_ = status.st_ino;
  void* window = nullptr;
  // File systems and address space limits differ in what they let us have: go down to what they do.
  for (; error == 0; window_bytes_ = window_bytes_ / 4 & ~uint64_t{trace::kChunkAlignment - 1}) {
    error = sys::ftruncate(file, static_cast<int64_t>(window_bytes_));
    if (error == 0) {
      window = sys::mmap(own_address(window_bytes_), window_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                         file, 0);
      if (!sys::failed(window)) break;
      error = reinterpret_cast<long>(window);
    }
    if ((error == -ENOMEM || error == -EFBIG) && window_bytes_ / 4 >= kSmallestWindow) error = 0;
  }
  if (error == 0) {
    header_ = static_cast<trace::FileHeader*>(window);
    error = sys::madvise(window, trace::kHeaderBytes, MADV_POPULATE_WRITE);
    if (error == -EINVAL) {
      populate_works_ = false;
      error = sys::fallocate(file, 0, 0, trace::kHeaderBytes);
    }
    if (error == -EFAULT) error = -ENOSPC;
    if (error != 0) {
      sys::munmap(window, window_bytes_);
      header_ = nullptr;
    }
  }
  sys::close(file);
  if (error != 0) {
    sys::call(SYS_unlinkat, AT_FDCWD, path_, 0);
    return static_cast<int>(-error);
  }
  header_->claimed_bytes = trace::kHeaderBytes;
  header_->window_bytes = window_bytes_;
  resident_.store(trace::kHeaderBytes, std::memory_order_relaxed);
  return 0;
}

size_t TraceOutput::chunk_bytes(size_t bytes, size_t least) const noexcept {
  const uint64_t claimed = std::atomic_ref<uint64_t>(header_->claimed_bytes).load(std::memory_order_relaxed);
  const uint64_t left = window_bytes_ > claimed ? window_bytes_ - claimed : 0;
  while (bytes > left / 8 && bytes > trace::kChunkAlignment) bytes /= 2;
  while (bytes < least) bytes += trace::kChunkAlignment;
  return (bytes + trace::kChunkAlignment - 1) & ~(trace::kChunkAlignment - 1);
}

uint8_t* TraceOutput::claim(size_t bytes) noexcept {
  std::atomic_ref<uint64_t> claimed(header_->claimed_bytes);
  const uint64_t offset = claimed.fetch_add(bytes, std::memory_order_seq_cst);
  // Asked after the add: either this sees that the file is being cut, or the cut sees the chunk.
  if (trimmed_.load(std::memory_order_seq_cst)) return nullptr;
  if (offset + bytes > window_bytes_.load(std::memory_order_seq_cst)) {
    claimed.fetch_sub(bytes, std::memory_order_relaxed);
    stop_recording(trace::StopReason::kTraceCap, 0);
    return nullptr;
  }
  uint8_t* const chunk = reinterpret_cast<uint8_t*>(header_) + offset;
  claiming_.fetch_add(bytes, std::memory_order_relaxed);
  const bool present = make_present(chunk, offset, bytes);
  if (present) resident_.fetch_add(bytes, std::memory_order_relaxed);
  claiming_.fetch_sub(bytes, std::memory_order_relaxed);
  return present ? chunk : nullptr;
}

bool TraceOutput::make_present(uint8_t* chunk, uint64_t offset, size_t bytes) noexcept {
  if (globals.restricted.load(std::memory_order_relaxed)) {
    if (offset + bytes > reserved_until_) {
      stop_recording(trace::StopReason::kSeccompFilter, 0, true);
      return false;
    }
  } else if (populate_works_) {
    const OwnWaits own;
    long error = sys::madvise(chunk, bytes, MADV_POPULATE_WRITE);
    while (error == -EINTR || error == -EAGAIN) error = sys::madvise(chunk, bytes, MADV_POPULATE_WRITE);
    if (error != 0) {
      if (trimmed_.load(std::memory_order_relaxed)) return false;
      const bool full = error == -EFAULT || error == -ENOSPC;
      stop_recording(full ? trace::StopReason::kNoSpace : trace::StopReason::kMapFailed,
                     full ? ENOSPC : static_cast<int>(-error));
      return false;
    }
  } else if (!allocate_by_path(offset, bytes)) {
    if (!trimmed_.load(std::memory_order_relaxed)) stop_recording(trace::StopReason::kNoSpace, ENOSPC);
    return false;
  }
  return true;
}

uint64_t TraceOutput::claim_for_picture(size_t bytes) noexcept {
  std::atomic_ref<uint64_t> claimed(header_->claimed_bytes);
  const uint64_t window = window_bytes_.load(std::memory_order_relaxed);
  uint64_t offset = claimed.load(std::memory_order_relaxed);
  // Never beyond: giving back what was claimed too much could take a chunk of the process's along.
  do
    if (offset + bytes > window - window / 4) return 0;
  while (!claimed.compare_exchange_weak(offset, offset + bytes, std::memory_order_seq_cst));
  return offset;
}

uint8_t* TraceOutput::map_for_picture(uint64_t offset, size_t bytes) noexcept {
  uint8_t* const chunk = reinterpret_cast<uint8_t*>(header_) + offset;
  return sys::madvise(chunk, bytes, MADV_POPULATE_WRITE) == 0 ? chunk : nullptr;
}

void TraceOutput::picture_ends() noexcept {
  std::atomic_ref<uint32_t>(header_->pictures_open).fetch_sub(1, std::memory_order_seq_cst);
  // Either the process sees that no picture is open, or its end is seen here. (An exec may still fail, and the process
  // go on with its trace.)
  if (std::atomic_ref<uint32_t>(header_->end_kind).load(std::memory_order_seq_cst) ==
      static_cast<uint32_t>(trace::EndKind::kExited))
    trim();
}

void TraceOutput::release(uint8_t* chunk, size_t bytes) noexcept {
  if (globals.restricted.load(std::memory_order_relaxed)) return;
  if (sys::madvise(chunk, bytes, MADV_DONTNEED) == 0) resident_.fetch_sub(bytes, std::memory_order_relaxed);
}

long TraceOutput::reopen() noexcept {
  const long fd = sys::open(path_, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (sys::failed(fd)) return fd;
  struct stat status = {};
  if (sys::fstat(static_cast<int>(fd), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) return fd;
  sys::close(static_cast<int>(fd));
  return -ENOENT;
}

bool TraceOutput::allocate_by_path(uint64_t offset, uint64_t bytes) noexcept {
  const long fd = reopen();
  if (sys::failed(fd)) return false;
  const long error = sys::fallocate(static_cast<int>(fd), 0, static_cast<int64_t>(offset), static_cast<int64_t>(bytes));
  sys::close(static_cast<int>(fd));
  return error == 0;
}

void TraceOutput::trim() noexcept {
  if (header_ == nullptr || globals.restricted.load(std::memory_order_relaxed)) return;
  trimmed_.store(true, std::memory_order_seq_cst);
  if (std::atomic_ref<uint32_t>(header_->pictures_open).load(std::memory_order_seq_cst) != 0) {
    cut_ = true;
    return;
  }
  const long fd = reopen();
  if (sys::failed(fd)) return;
  const uint64_t claimed = std::atomic_ref<uint64_t>(header_->claimed_bytes).load(std::memory_order_seq_cst);
  if (claimed <= window_bytes_) cut_ = sys::ftruncate(static_cast<int>(fd), static_cast<int64_t>(claimed)) == 0;
  sys::close(static_cast<int>(fd));
}

void TraceOutput::untrim() noexcept {
  if (header_ == nullptr || !trimmed_.load(std::memory_order_relaxed)) return;
  if (cut_) {
    // Not beyond a limit that was set meanwhile, which would kill.
    struct rlimit bound = {};
    uint64_t size = window_bytes_;
    if (sys::get_limit(RLIMIT_FSIZE, &bound) && bound.rlim_cur < size) size = bound.rlim_cur;
    const long fd = reopen();
    long error = sys::failed(fd) ? fd : 0;
    if (error == 0 && size > header_->claimed_bytes)
      error = sys::ftruncate(static_cast<int>(fd), static_cast<int64_t>(size));
    if (!sys::failed(fd)) sys::close(static_cast<int>(fd));
    if (error != 0) return stop_recording(trace::StopReason::kMapFailed, static_cast<int>(-error));
    cut_ = false;
  }
  trimmed_.store(false, std::memory_order_seq_cst);
}

void TraceOutput::leave_chunks() noexcept {
  if (header_ == nullptr) return;
  sys::mmap(reinterpret_cast<uint8_t*>(header_) + trace::kHeaderBytes, window_bytes_ - trace::kHeaderBytes,
            PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

void TraceOutput::drop(bool chunks_in_use) noexcept {
  if (header_ == nullptr) return;
  sys::munmap(header_, chunks_in_use ? trace::kHeaderBytes : window_bytes_.load(std::memory_order_relaxed));
  header_ = nullptr;
}

void TraceOutput::shrink(uint64_t keep) noexcept {
  if (header_ == nullptr) return;
  std::atomic_ref<uint64_t> claimed(header_->claimed_bytes);
  const uint64_t before = window_bytes_.load(std::memory_order_relaxed);
  if (keep < trace::kMaxChunkBytes) keep = trace::kMaxChunkBytes;
  const uint64_t after = (claimed.load(std::memory_order_relaxed) + keep) & ~uint64_t{trace::kChunkAlignment - 1};
  if (after >= before) return;
  // As in claim(): either a claim sees the new end, or it is seen here.
  window_bytes_.store(after, std::memory_order_seq_cst);
  if (claimed.load(std::memory_order_seq_cst) > after) {
    window_bytes_.store(before, std::memory_order_relaxed);
    return;
  }
  sys::munmap(reinterpret_cast<uint8_t*>(header_) + after, before - after);
}

void TraceOutput::reserve_before_seccomp() noexcept {
  const uint64_t from = std::atomic_ref<uint64_t>(header_->claimed_bytes).load(std::memory_order_relaxed);
  uint64_t bytes = window_bytes_ - from < kSeccompReserve ? window_bytes_ - from : kSeccompReserve;
  for (; bytes >= trace::kMaxChunkBytes; bytes /= 4) {
    if (allocate_by_path(from, bytes)) {
      reserved_until_ = from + bytes;
      return;
    }
  }
}

void TraceOutput::count(trace::Lost what, uint64_t events) noexcept {
  if (header_ != nullptr)
    std::atomic_ref<uint64_t>(header_->lost[static_cast<size_t>(what)]).fetch_add(events, std::memory_order_relaxed);
}

void TraceOutput::count(trace::UnwindCheck what, uint64_t events) noexcept {
  if (header_ != nullptr)
    std::atomic_ref<uint64_t>(header_->unwind_check[static_cast<size_t>(what)])
        .fetch_add(events, std::memory_order_relaxed);
}

}  // namespace tidemark

// The trace file in the target process: one sparse file behind one shared mapping, no descriptor kept.
//
// Created with O_EXCL, sized by ftruncate, mapped whole, and closed: the program cannot close, reuse or redirect
// anything of ours, and chdir, chroot and setuid do not matter. Chunks are claimed by an atomic add and made present by
// MADV_POPULATE_WRITE, which answers EFAULT on a full disk where a store would raise SIGBUS. (Kernels before 5.14:
// the file is opened again by its path for fallocate.)
// Rejected: writing through a descriptor (programs close all descriptors), a pipe to a helper (the program would hang
// or die with it), a ring drained by a thread of ours (the program would gain a thread).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "trace/format.h"

namespace tidemark {

class TraceOutput {
 public:
  // Creates the file. `pattern` as the user gave it: %p pid, %e program name; when the name is taken, `.PID.N` is
  // added (N from 1). `limit` bytes at most, 0: the default. Returns 0 or an errno; EFBIG: the limit is too small.
  [[nodiscard]] int create(const char* pattern, const char* program, uint32_t pid, uint64_t limit) noexcept;

  trace::FileHeader* header() const noexcept { return header_; }

  // A good size for a chunk of about `bytes`: no single one is to take much of a small trace. At least `least`.
  size_t chunk_bytes(size_t bytes, size_t least) const noexcept;

  // A zeroed chunk of `bytes`, its pages present. nullptr: recording has been turned off, or the file is trimmed.
  uint8_t* claim(size_t bytes) noexcept;

  // For the picture of a heap snapshot, in the copy of the process that writes it: a place of `bytes` in the file, 0 if
  // there is no room (a quarter of the window is left for events; the recording goes on), and the file for pwrite,
  // which is two to five times as fast as making pages present in the mapping. A descriptor, or -errno.
  uint64_t claim_for_picture(size_t bytes) noexcept;
  // The place in the mapping, for a process that can no longer open the file (after setuid or chroot); nullptr: the
  // disk is full.
  uint8_t* map_for_picture(uint64_t offset, size_t bytes) noexcept;
  long reopen() noexcept;

  // The copy has written its picture. If the process is gone meanwhile, the file is trimmed now.
  void picture_ends() noexcept;

  // The chunk is complete: its pages leave our resident set (the page cache keeps them).
  void release(uint8_t* chunk, size_t bytes) noexcept;

  // Cuts the file to what was claimed, by its path, if that still names the same file. Further claims fail quietly
  // until untrim(), for an exec that failed; if the file cannot grow again, recording stops. While a picture is being
  // written, its writer cuts the file when it is done.
  void trim() noexcept;
  void untrim() noexcept;

  // In a forked child: puts private memory in the place of the parent's chunks, for a hook that was interrupted before
  // the fork and still writes.
  void leave_chunks() noexcept;
  // Lets go of the parent's trace; of the header alone if such a hook has not come to its end.
  void drop(bool chunks_in_use) noexcept;

  // Before a seccomp filter: makes sure of disk space for some more chunks, which are then claimed without a call.
  void reserve_before_seccomp() noexcept;

  // Gives back the address space behind what is claimed, but for `keep` bytes: the trace cannot become larger then.
  void shrink(uint64_t keep) noexcept;

  // Bytes of the trace that are resident in this process now.
  size_t resident_bytes() const noexcept { return resident_.load(std::memory_order_relaxed); }
  // And of chunks that are being made present: some of them may be.
  size_t claiming_bytes() const noexcept { return claiming_.load(std::memory_order_relaxed); }

  void count(trace::Lost what, uint64_t events = 1) noexcept;
  void count(trace::UnwindCheck what, uint64_t events = 1) noexcept;

 private:
  bool make_present(uint8_t* chunk, uint64_t offset, size_t bytes) noexcept;
  bool allocate_by_path(uint64_t offset, uint64_t bytes) noexcept;

  trace::FileHeader* header_ = nullptr;
  std::atomic<uint64_t> window_bytes_{0};
  uint64_t reserved_until_ = 0;  // file offset up to which blocks are allocated beforehand
  uint64_t device_ = 0, inode_ = 0;
  bool populate_works_ = true;
  std::atomic<bool> trimmed_{false};  // no further claims
  bool cut_ = false;                  // the file ends at the last claimed chunk, or will
  std::atomic<size_t> resident_{0}, claiming_{0};
  char path_[4096] = {};
};

extern constinit TraceOutput trace_output;

}  // namespace tidemark

// Reads a text file of /proc piece by piece, without libc's state and without allocating.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "system/syscalls_linux.h"

namespace tidemark::picture {

// Calls `line(begin, end)` (no newline) for each line; ones longer than the buffer are cut. False if the file cannot be
// read.
template <size_t kBufferBytes, class Visitor>
bool for_each_line(const char* path, Visitor line) noexcept {
  const long fd = sys::open(path, O_RDONLY | O_CLOEXEC);
  if (sys::failed(fd)) return false;
  char buffer[kBufferBytes];
  size_t held = 0;
  bool skip = false;  // the rest of a line that was cut
  for (;;) {
    const long got = sys::read(static_cast<int>(fd), buffer + held, sizeof(buffer) - held);
    if (got <= 0) break;
    held += static_cast<size_t>(got);
    const char* from = buffer;
    const char* const end = buffer + held;
    for (;;) {
      const auto* newline = static_cast<const char*>(std::memchr(from, '\n', static_cast<size_t>(end - from)));
      if (newline == nullptr) break;
      if (!skip) line(from, newline);
      skip = false;
      from = newline + 1;
    }
    held = static_cast<size_t>(end - from);
    if (held == sizeof(buffer)) {
      if (!skip) line(from, end);
      skip = true;
      held = 0;
    }
    std::memmove(buffer, from, held);
  }
  if (held != 0 && !skip) line(static_cast<const char*>(buffer), static_cast<const char*>(buffer + held));
  sys::close(static_cast<int>(fd));
  return true;
}

// Writes a path of /proc: a sequence of texts and numbers.
class PathText {
 public:
  PathText& add(const char* text) noexcept {
    for (; *text != 0 && used_ + 1 < sizeof(text_); ++text) text_[used_++] = *text;
    text_[used_] = 0;
    return *this;
  }
  PathText& add(uint64_t number) noexcept {
    char digits[21];
    size_t count = 0;
    do digits[count++] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    while (count != 0 && used_ + 1 < sizeof(text_)) text_[used_++] = digits[--count];
    text_[used_] = 0;
    return *this;
  }
  // /proc/PID, of this process for 0.
  PathText& process(uint32_t pid) noexcept {
    add("/proc/");
    return pid == 0 ? add("self") : add(uint64_t{pid});
  }
  const char* text() const noexcept { return text_; }

 private:
  char text_[128] = {};
  size_t used_ = 0;
};

// Parses a number in the text [at, end), and moves `at` behind it. 0 without digits.
inline uint64_t parse_number(const char*& at, const char* end, unsigned base) noexcept {
  uint64_t value = 0;
  for (; at != end; ++at) {
    const char c = *at;
    unsigned digit = 16;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a') + 10;
    if (digit >= base) break;
    value = value * base + digit;
  }
  return value;
}

// A directory's entries that are numbers.
template <class Visitor>
bool for_each_number(const char* directory, Visitor visit) noexcept {
  const long fd = sys::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (sys::failed(fd)) return false;
  alignas(8) char buffer[4096];
  for (;;) {
    const long got = sys::call(SYS_getdents64, fd, buffer, sizeof(buffer));
    if (got <= 0) break;
    for (long at = 0; at < got;) {
      uint16_t length = 0;
      std::memcpy(&length, buffer + at + 16, sizeof(length));
      const char* name = buffer + at + 19;
      if (*name >= '0' && *name <= '9') visit(static_cast<uint32_t>(parse_number(name, name + 12, 10)));
      at += length;
    }
  }
  sys::close(static_cast<int>(fd));
  return true;
}

}  // namespace tidemark::picture

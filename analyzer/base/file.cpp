#include "analyzer/base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tidemark {

std::string error_text(int error) { return std::generic_category().message(error); }

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<File> File::open_regular(const std::string& path, int flags) {
  // O_NONBLOCK: opening a FIFO without a writer must not wait. It has no effect on regular files.
  File file(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open()) return Error{fmt::format("cannot open {}: {}", path, error_text(errno))};
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0)
    return Error{fmt::format("cannot examine {}: {}", path, error_text(errno))};
  if (!S_ISREG(status.st_mode)) return Error{fmt::format("{} is not a regular file", path)};
  return file;
}

Result<uint64_t> File::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return Error{fmt::format("cannot examine the file: {}", error_text(errno))};
  return static_cast<uint64_t>(status.st_size);
}

Result<size_t> File::read_at(uint64_t offset, void* to, size_t bytes) const {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t got =
        ::pread(descriptor_, static_cast<char*>(to) + done, bytes - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{fmt::format("cannot read at byte {}: {}", offset + done, error_text(errno))};
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

Status File::write_at(uint64_t offset, const void* from, size_t bytes) const {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t put =
        ::pwrite(descriptor_, static_cast<const char*>(from) + done, bytes - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0)
      return Error{fmt::format("cannot write at byte {}: {}", offset + done, error_text(put < 0 ? errno : ENOSPC))};
    done += static_cast<size_t>(put);
  }
  return Done{};
}

std::string read_small_file(const std::string& path, size_t limit) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open()) return {};
  std::string text;
  char buffer[4096];
  while (text.size() < limit) {
    const ssize_t got = ::read(file.descriptor(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

}  // namespace tidemark

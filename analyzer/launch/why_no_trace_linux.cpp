#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "analyzer/base/file.h"
#include "analyzer/base/text.h"
#include "analyzer/launch/why_no_trace.h"

namespace tidemark::launch {
namespace {

#if defined(__x86_64__)
constexpr unsigned kOwnMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kOwnMachine = EM_AARCH64;
#else
constexpr unsigned kOwnMachine = EM_NONE;
#endif

constexpr int kMaxInterpreters = 4;  // a script's interpreter may be a script

bool has_capabilities(const std::string& path) {
  return ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

// The interpreter that a #! line names; empty when `begin` is no such line.
std::string script_interpreter(std::string_view begin) {
  if (begin.substr(0, 2) != "#!") return {};
  begin = begin.substr(2, begin.find('\n') - 2);
  const size_t word = begin.find_first_not_of(" \t");
  if (word == std::string_view::npos) return {};
  begin = begin.substr(word);
  return std::string(begin.substr(0, begin.find_first_of(" \t")));
}

std::string elf_reason(const File& file, const std::string& path) {
  Elf64_Ehdr header{};
  const Result<size_t> got = file.read_at(0, &header, sizeof(header));
  if (!got || *got < EI_NIDENT || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return fmt::format("{} is no ELF program", path);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || *got < sizeof(header) || header.e_machine != kOwnMachine) {
    return fmt::format("{} is for another architecture than the recorder's library", path);
  }
  std::string interpreter;
  bool dynamic = false;
  for (unsigned i = 0; i < std::min<unsigned>(header.e_phnum, 256); ++i) {
    Elf64_Phdr segment{};
    const Result<size_t> part = file.read_at(header.e_phoff + uint64_t{i} * sizeof(segment), &segment, sizeof(segment));
    if (!part || *part < sizeof(segment)) break;
    if (segment.p_type != PT_INTERP || segment.p_filesz > 4096) continue;
    dynamic = true;
    interpreter.resize(segment.p_filesz);
    (void)file.read_at(segment.p_offset, interpreter.data(), interpreter.size());
  }
  if (!dynamic) return fmt::format("{} is statically linked: no library can be preloaded", path);
  if (interpreter.find("musl") != std::string::npos) {
    return fmt::format("{} uses musl's loader, which cannot load the recorder's library (it needs glibc)", path);
  }
  return {};
}

}  // namespace

std::optional<std::string> find_program(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* const variable = std::getenv("PATH");
  std::string_view path = variable != nullptr ? variable : "/bin:/usr/bin";
  for (;;) {
    const size_t end = std::min(path.find(':'), path.size());
    const std::string folder = end == 0 ? std::string(".") : std::string(path.substr(0, end));
    const std::string candidate = fmt::format("{}/{}", folder, program);
    struct stat status {};
    if (::access(candidate.c_str(), X_OK) == 0 && ::stat(candidate.c_str(), &status) == 0 && S_ISREG(status.st_mode))
      return candidate;
    if (end == path.size()) return std::nullopt;
    path.remove_prefix(end + 1);
  }
}

std::string why_no_trace(const std::string& program) {
  auto path = find_program(program);
  for (int i = 0; path && i < kMaxInterpreters; ++i) {
    struct stat status {};
    if (::stat(path->c_str(), &status) != 0) break;
    const std::string name = printable(*path);
    if ((status.st_mode & (S_ISUID | S_ISGID)) != 0 || has_capabilities(*path)) {
      return fmt::format("{} is set-uid, set-gid or has capabilities: the loader then ignores LD_PRELOAD", name);
    }
    const Result<File> file = File::open_regular(*path, O_RDONLY);
    if (!file) return fmt::format("{} cannot be read to see why", name);
    char begin[256] = {};
    const Result<size_t> got = file->read_at(0, begin, sizeof(begin) - 1);
    std::string interpreter = script_interpreter(std::string_view(begin, got ? *got : 0));
    if (interpreter.empty()) {
      std::string reason = elf_reason(*file, name);
      if (!reason.empty()) return reason;
      break;
    }
    path = std::move(interpreter);
  }
  return "the recorder could not start (a line above may say why), or the program was started afresh without its "
         "environment";
}

}  // namespace tidemark::launch

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "analyzer/base/file.h"
#include "analyzer/launch/library.h"

namespace tidemark::launch {
namespace {

constexpr const char* kLibraryName = "libtidemark_preload.so";
constexpr const char* kDefaultOutput = "%e.%p.tidemark";

std::string current_folder() {
  char path[PATH_MAX];
  return ::getcwd(path, sizeof(path)) == nullptr ? std::string(".") : std::string(path);
}

// A folder as a part of an output pattern, where % begins a placeholder.
std::string escaped(const std::string& folder) {
  std::string out;
  for (const char c : folder) out += c == '%' ? std::string("%%") : std::string(1, c);
  return out;
}

}  // namespace

Result<std::string> find_library() {
  char self[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", self, sizeof(self) - 1);
  if (length <= 0) return Error{fmt::format("cannot find this command's own file: {}", error_text(errno))};
  const std::string path(self, static_cast<size_t>(length));
  const std::string folder = path.substr(0, path.rfind('/'));
  const std::string library = folder.substr(0, folder.rfind('/')) + "/lib/" + kLibraryName;
  if (::access(library.c_str(), R_OK) != 0) {
    return Error{fmt::format("the recorder's library {} cannot be read ({}); build or install it beside this command",
                             library, error_text(errno))};
  }
  // The loader splits the list at blanks and colons and expands $; nothing can be quoted.
  if (library.find_first_of(" :$") != std::string::npos) {
    return Error{
        fmt::format("the path of {} holds a blank, a colon or a dollar sign, which LD_PRELOAD cannot express; "
                    "install it elsewhere",
                    library)};
  }
  return library;
}

std::string preload_list(const char* existing, const std::string& library) {
  if (existing == nullptr || *existing == 0) return library;
  std::string list = existing;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find_first_of(": ", at), list.size());
    if (list.compare(at, end - at, library) == 0) return list;
    at = end + 1;
  }
  return list + ":" + library;
}

std::string output_pattern(const RecorderSettings& settings) {
  const char* const inherited = std::getenv("TIDEMARK_OUTPUT");
  std::string pattern = settings.output                           ? *settings.output
                        : inherited != nullptr && *inherited != 0 ? inherited
                                                                  : kDefaultOutput;
  if (pattern.empty() || pattern.front() != '/') pattern = escaped(current_folder()) + "/" + pattern;
  return pattern;
}

Result<Environment> recorder_environment(const RecorderSettings& settings, const std::string& library,
                                         uint64_t session) {
  Environment environment;
  environment.emplace_back("LD_PRELOAD", preload_list(std::getenv("LD_PRELOAD"), library));
  environment.emplace_back("TIDEMARK_OUTPUT", output_pattern(settings));
  environment.emplace_back("TIDEMARK_SESSION", fmt::format("{:x}", session));
  // Room for what the recorder writes over it in place, so that children that libc starts (system) know their parent.
  environment.emplace_back("TIDEMARK_PARENT", "0000000000000000:0000000000:000000");
  if (settings.mode) environment.emplace_back("TIDEMARK_MODE", *settings.mode);
  if (settings.sample_interval)
    environment.emplace_back("TIDEMARK_SAMPLE_INTERVAL", fmt::format("{}", *settings.sample_interval));
  if (settings.snapshot) environment.emplace_back("TIDEMARK_SNAPSHOT", *settings.snapshot);
  if (settings.max_trace_bytes)
    environment.emplace_back("TIDEMARK_MAX_TRACE_SIZE", fmt::format("{}", *settings.max_trace_bytes));
  if (!settings.follow_fork) environment.emplace_back("TIDEMARK_NO_FOLLOW_FORK", "1");
  return environment;
}

uint64_t random_id() {
  uint64_t id = 0;
  while (id == 0) {
    if (::getrandom(&id, sizeof(id), 0) != static_cast<ssize_t>(sizeof(id))) id = 1;
  }
  return id;
}

}  // namespace tidemark::launch

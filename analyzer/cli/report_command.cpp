#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "analyzer/base/file.h"
#include "analyzer/cli/commands.h"
#include "analyzer/cli/print_reports.h"
#include "analyzer/replay/trace_file.h"

namespace tidemark::cli {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// All traces in a folder, not those of folders below it.
Result<std::vector<std::string>> traces_in(const std::string& folder) {
  struct Close {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(folder.c_str()));
  if (!directory) return Error{fmt::format("cannot read the folder {}: {}", folder, error_text(errno))};
  std::vector<std::string> traces;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) continue;
    const std::string path = folder + "/" + entry->d_name;
    if (replay::is_trace(path)) traces.push_back(path);
  }
  if (traces.empty()) return Error{fmt::format("there is no trace in the folder {}", folder)};
  return traces;
}

// When its process began; the order of a tree. Unreadable files keep their place at the front and fail later.
int64_t start_of(const std::string& path) {
  const Result<File> file = File::open_regular(path, O_RDONLY);
  trace::FileHeader header{};
  if (!file) return 0;
  const Result<size_t> got = file->read_at(0, &header, sizeof(header));
  return got && *got == sizeof(header) ? header.start_realtime_ns : 0;
}

std::vector<std::string> by_start(const std::vector<std::string>& paths) {
  std::vector<std::pair<int64_t, std::string>> order;
  order.reserve(paths.size());
  for (const std::string& path : paths) order.emplace_back(start_of(path), path);
  std::sort(order.begin(), order.end());
  std::vector<std::string> sorted;
  sorted.reserve(paths.size());
  for (auto& [start, path] : order) sorted.push_back(std::move(path));
  return sorted;
}

}  // namespace

int report(const ReportCommand& command) {
  std::vector<std::string> traces;
  PrintOptions options;
  options.format = command.format;
  options.top = command.top;
  options.holders = command.holders;
  options.who_holds = command.who_holds;
  options.bounds = command.bounds;
  for (const std::string& name : command.traces) {
    if (!is_folder(name)) {
      traces.push_back(name);
      continue;
    }
    options.as_tree = true;
    const Result<std::vector<std::string>> found = traces_in(name);
    if (!found) {
      complain(found.error().text);
      return kFailed;
    }
    traces.insert(traces.end(), found->begin(), found->end());
  }
  if (traces.size() > 1 && command.who_holds && command.who_holds->address) {
    complain("--who-holds: an address belongs to one process: name its trace alone");
    return kFailed;
  }
  if (traces.size() > 1) traces = by_start(traces);

  std::unique_ptr<std::FILE, CloseFile> output;
  const auto open = [&]() -> Result<std::FILE*> {
    if (!command.output) return stdout;
    output.reset(std::fopen(command.output->c_str(), "we"));
    if (!output) return Error{fmt::format("cannot write {}: {}", *command.output, error_text(errno))};
    return output.get();
  };
  return print_reports(traces, options, open) ? 0 : kFailed;
}

}  // namespace tidemark::cli

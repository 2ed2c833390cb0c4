#include "analyzer/cli/print_reports.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "analyzer/base/file.h"
#include "analyzer/base/text.h"
#include "analyzer/cli/commands.h"
#include "analyzer/cli/make_report.h"
#include "analyzer/report/json_report.h"
#include "analyzer/report/process_tree.h"
#include "analyzer/report/text_report.h"

namespace tidemark::cli {
namespace {

Status write_text(const std::string& text, std::FILE* to) {
  if (std::fwrite(text.data(), 1, text.size(), to) != text.size() || std::fflush(to) != 0) {
    return Error{fmt::format("cannot write the report: {}", error_text(errno))};
  }
  return Done{};
}

// Text of several reports: the tree first, so that all reports' texts wait for the last one. A shell script has
// hundreds of processes: those with the highest peaks are shown whole, the others in the tree.
class TextTree {
 public:
  explicit TextTree(size_t top) : top_(top) {}

  void add(const model::Report& report) {
    tree_.add(report);
    peaks_.push_back(report.memory.peak_live_bytes);
    texts_.push_back(fmt::format("\n=== {} (pid {}) ===\n\n{}", shortened(printable(report.process.command), 200),
                                 report.process.pid, report::text_report(report, {top_})));
  }

  Status print(std::FILE* to) const {
    constexpr size_t kShown = 5;
    std::vector<uint64_t> peaks = peaks_;
    std::sort(peaks.rbegin(), peaks.rend());
    const uint64_t threshold = peaks.size() > kShown ? peaks[kShown - 1] : 0;
    std::string text = "PROCESSES  (- forked child, = next image by exec)\n" + tree_.text();
    size_t shown = 0;
    for (size_t i = 0; i < texts_.size(); ++i) {
      if (peaks_[i] < threshold || (threshold != 0 && shown == kShown)) continue;
      text += texts_[i];
      ++shown;
    }
    if (shown != texts_.size()) {
      text += fmt::format(
          "\n(The {} with the highest peaks are shown whole; `tidemark report` of one trace, or --format json, "
          "shows any.)\n",
          shown);
    }
    return write_text(text, to);
  }

 private:
  size_t top_;
  report::ProcessTree tree_;
  std::vector<uint64_t> peaks_;
  std::vector<std::string> texts_;
};

}  // namespace

bool print_reports(const std::vector<std::string>& traces, const PrintOptions& options,
                   const std::function<Result<std::FILE*>()>& open) {
  const bool tree = options.as_tree || traces.size() > 1;
  const size_t text_top = options.top.value_or(report::TextOptions{}.top);
  ReportOptions make_options;
  make_options.top = options.top;
  make_options.holders = options.holders;
  make_options.who_holds = options.who_holds;
  make_options.bounds = options.bounds;
  if (options.format == Format::kText) make_options.resolve = text_top;

  symbols::SymbolStore store;
  bool good = true;
  std::FILE* to = nullptr;
  std::unique_ptr<report::JsonTree> json_tree;
  TextTree text_tree(text_top);
  const auto check = [&good](const Status& status) {
    if (status) return;
    complain(status.error().text);
    good = false;
  };
  for (const std::string& trace : traces) {
    const Result<MadeReport> made = make_report(trace, make_options, store);
    if (!made) {
      complain(made.error().text);
      good = false;
      continue;
    }
    for (const std::string& warning : made->warnings) complain(fmt::format("{}: {}", printable(trace), warning));
    if (to == nullptr) {
      const Result<std::FILE*> opened = open();
      if (!opened) {
        complain(opened.error().text);
        return false;
      }
      to = *opened;
    }
    if (options.format == Format::kText) {
      if (tree) {
        text_tree.add(made->report);
      } else {
        check(write_text(report::text_report(made->report, {text_top}), to));
      }
    } else if (tree) {
      if (!json_tree) json_tree = std::make_unique<report::JsonTree>(to);
      json_tree->add(made->report);
    } else {
      check(report::write_json(made->report, to));
    }
  }
  if (to == nullptr) return false;
  if (json_tree) check(json_tree->finish());
  if (tree && options.format == Format::kText) check(text_tree.print(to));
  return good;
}

}  // namespace tidemark::cli

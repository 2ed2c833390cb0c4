#include "analyzer/report/process_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"

namespace tidemark::report {
namespace {

std::string end_text(const model::End& end) {
  switch (end.kind) {
    case model::End::Kind::kExited:
      return end.exec   ? fmt::format("became {}", printable(*end.exec))
             : end.code ? fmt::format("exited with {}", *end.code)
                        : std::string("exited");
    case model::End::Kind::kSignaled:
      return end.code ? fmt::format("signal {}", *end.code) : std::string("signal");
    case model::End::Kind::kRunning:
      return "running";
    case model::End::Kind::kKilled:
      break;
  }
  return "killed";
}

constexpr size_t kMaxDepthShown = 30;
constexpr size_t kMaxCommandShown = 80;

std::string entry_line(const ProcessTree::Entry& entry, size_t depth, bool image) {
  return fmt::format("{:{}}{}{}  {}, {}: peak {}, {} live at the end{}  {}\n", "",
                     2 + 2 * std::min(depth, kMaxDepthShown),
                     image        ? "= "
                     : depth != 0 ? "- "
                                  : "",
                     entry.pid, format_seconds(entry.duration_s), end_text(entry.end),
                     format_bytes(entry.peak_live_bytes), format_bytes(entry.live_bytes_at_end),
                     entry.max_rss_bytes ? ", maxrss " + format_bytes(*entry.max_rss_bytes) : std::string(),
                     shortened(printable(entry.command), kMaxCommandShown));
}

}  // namespace

const char* end_name(model::End::Kind kind) noexcept {
  switch (kind) {
    case model::End::Kind::kExited:
      return "exited";
    case model::End::Kind::kSignaled:
      return "signaled";
    case model::End::Kind::kRunning:
      return "running";
    case model::End::Kind::kKilled:
      break;
  }
  return "killed";
}

void ProcessTree::add(const model::Report& report) {
  const model::Process& process = report.process;
  const model::Memory& memory = report.memory;
  entries_.push_back({process.pid, process.parent_pid, process.image, process.trace_id, process.parent_trace_id,
                      process.command, process.end, process.duration_s, memory.peak_live_bytes,
                      memory.live_bytes_at_end, memory.max_rss_bytes});
  sums_.allocations += memory.total_allocations;
  sums_.frees += memory.total_frees;
  sums_.allocated_bytes += memory.total_allocated_bytes;
  sums_.live_bytes_at_end += memory.live_bytes_at_end;
  sums_.highest_peak_live_bytes = std::max(sums_.highest_peak_live_bytes, memory.peak_live_bytes);
  if (memory.max_rss_bytes) {
    sums_.highest_max_rss_bytes = std::max(sums_.highest_max_rss_bytes.value_or(0), *memory.max_rss_bytes);
  }
}

ProcessTree::Totals ProcessTree::totals() const {
  std::set<uint32_t> pids;
  for (const Entry& entry : entries_) pids.insert(entry.pid);
  Totals totals = sums_;
  totals.processes = pids.size();
  return totals;
}

std::string ProcessTree::text() const {
  std::unordered_map<uint64_t, size_t> by_trace;
  for (size_t i = 0; i < entries_.size(); ++i) by_trace.emplace(entries_[i].trace_id, i);
  // Children by parent, in the order of the entries; roots have no parent here. A trace that names itself, or a loop of
  // traces (damage), is made a root by the second pass.
  std::vector<std::vector<size_t>> children(entries_.size());
  std::vector<size_t> roots;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const auto parent = by_trace.find(entries_[i].parent_trace_id);
    if (entries_[i].parent_trace_id == 0 || parent == by_trace.end() || parent->second == i) {
      roots.push_back(i);
    } else {
      children[parent->second].push_back(i);
    }
  }
  struct Pending {
    size_t index, depth;
    bool image;  // replaced the one before it
  };
  std::string text;
  std::vector<bool> printed(entries_.size());
  const auto print_below = [&](size_t root) {
    std::vector<Pending> pending = {{root, 0, false}};
    while (!pending.empty()) {
      const Pending here = pending.back();
      pending.pop_back();
      if (printed[here.index]) continue;
      printed[here.index] = true;
      text += entry_line(entries_[here.index], here.depth, here.image);
      // The next image of a process comes behind its forked children, at its own depth.
      const std::vector<size_t>& below = children[here.index];
      for (auto child = below.rbegin(); child != below.rend(); ++child) {
        if (entries_[*child].pid == entries_[here.index].pid) pending.push_back({*child, here.depth, true});
      }
      for (auto child = below.rbegin(); child != below.rend(); ++child) {
        if (entries_[*child].pid != entries_[here.index].pid) pending.push_back({*child, here.depth + 1, false});
      }
    }
  };
  for (const size_t root : roots) print_below(root);
  for (size_t i = 0; i < entries_.size(); ++i) print_below(i);
  return text;
}

}  // namespace tidemark::report

#include "analyzer/report/text_holders.h"

#include <algorithm>
#include <string>
#include <vector>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/report/text_paths.h"
#include "analyzer/report/text_stack.h"

namespace tidemark::report {
namespace {

constexpr size_t kShownSnapshots = 5;
constexpr size_t kShownSkipped = 10;
constexpr size_t kLinesOfRoot = 3;     // times --top: no root's subtree crowds out the next one
constexpr uint64_t kShownShare = 100;  // below a root, less than 1/100 of what is live is not shown by itself

const char* moment(model::SnapshotReason reason) {
  switch (reason) {
    case model::SnapshotReason::kMainReturned:
      return "at main's return";
    case model::SnapshotReason::kExit:
      return "at exit";
    case model::SnapshotReason::kGrowth:
      return "on growth";
    case model::SnapshotReason::kPeriod:
      return "on its period";
    case model::SnapshotReason::kClient:
      return "asked for by the program";
    case model::SnapshotReason::kCommand:
      return "asked for by tidemark snapshot";
    case model::SnapshotReason::kUnknown:
      break;
  }
  return "for an unknown reason";
}

const char* why_skipped(model::SkipReason why) {
  switch (why) {
    case model::SkipReason::kMemory:
      return "a memory limit is too near";
    case model::SkipReason::kThreads:
      return "the threads could not be stopped";
    case model::SkipReason::kFork:
      return "the process could not be copied";
    case model::SkipReason::kRestricted:
      return "a seccomp filter is in force";
    case model::SkipReason::kBusy:
      return "the one before was still being written";
    case model::SkipReason::kUnknown:
      break;
  }
  return "for a reason that this version does not know";
}

const model::Snapshot* graph_snapshot(const model::Report& report) {
  if (!report.graph_snapshot) return nullptr;
  const auto found = std::find_if(report.snapshots.begin(), report.snapshots.end(),
                                  [&](const model::Snapshot& one) { return one.id == *report.graph_snapshot; });
  return found == report.snapshots.end() ? nullptr : &*found;
}

std::string snapshot_text(const model::Snapshot& snapshot) {
  std::string text = fmt::format("{} ({})", moment(snapshot.reason), format_seconds(std::max(0.0, snapshot.time_s)));
  if (snapshot.reachability) {
    const auto& [reachable, weak, unreachable] = *snapshot.reachability;
    text += fmt::format(": {} in {} reachable", format_bytes(reachable.bytes), plural(reachable.blocks, "block"));
    if (weak.blocks != 0) {
      text += fmt::format(", {} in {} perhaps reachable", format_bytes(weak.bytes), plural(weak.blocks, "block"));
    }
    text += unreachable.blocks == 0 ? std::string(", none unreachable")
                                    : fmt::format(", {} in {} unreachable", format_bytes(unreachable.bytes),
                                                  plural(unreachable.blocks, "block"));
  } else if (snapshot.live_blocks != 0) {
    text += fmt::format(": {} in {} live", format_bytes(snapshot.live_bytes), plural(snapshot.live_blocks, "block"));
  } else if (snapshot.complete) {
    text += ": not analyzed";
  }
  if (!snapshot.complete) text += "; cut short, so that it proves nothing unreachable";
  if (snapshot.outside) text += "; read from outside";
  if (snapshot.half_read_threads != 0) {
    text += fmt::format("; registers of {} not read", plural(snapshot.half_read_threads, "sleeping thread"));
  }
  if (snapshot.swapped_bytes != 0)
    text += fmt::format("; {} swapped out, not read", format_bytes(snapshot.swapped_bytes));
  if (snapshot.unreadable_bytes != 0) text += fmt::format("; {} not readable", format_bytes(snapshot.unreadable_bytes));
  if (snapshot.pause_s) text += fmt::format("; paused {}", format_seconds(*snapshot.pause_s));
  return text;
}

// "global_store (leak.cpp:12)", "1,000,000 × std::string, 54.0 MB"
std::string holder_text(const model::Holder& holder) {
  const std::string count = holder.count > 1 ? format_count(holder.count) + " × " : std::string();
  switch (holder.kind) {
    case model::HolderKind::kBlock:
    case model::HolderKind::kMapping: {
      const std::string& name = holder.type.empty() ? holder.name : holder.type;
      const bool says_so = name.starts_with("mapping ");
      const char* const what = holder.kind == model::HolderKind::kMapping && !says_so ? "mapping " : "";
      return fmt::format("{}{}{}, {}", count, what, name.empty() ? "block" : shown_name(name),
                         format_bytes(holder.bytes));
    }
    case model::HolderKind::kOthers:
      return plural(holder.count, "other");
    case model::HolderKind::kNone:
      return count + "unreachable: " + shown_name(holder.type.empty() ? holder.name : holder.type) +
             (holder.bytes != 0 ? ", " + format_bytes(holder.bytes) : std::string());
    default:
      break;
  }
  model::HeldBy root;
  root.kind = holder.kind;
  if (!holder.name.empty()) root.symbol = holder.name;
  root.file = holder.file;
  root.line = holder.line;
  return count + root_name(root) + (holder.type.empty() ? std::string() : ", " + shown_name(holder.type));
}

// Prints the tree; of every node the largest children, the rest added up in one line.
class HolderTree {
 public:
  HolderTree(Text& text, uint64_t whole, size_t top) : text_(text), whole_(whole), top_(top) {}

  void print(const std::vector<model::Holder>& siblings, size_t depth) {
    model::Holder others;
    others.kind = model::HolderKind::kOthers;
    others.count = 0;
    size_t shown = 0;
    for (const model::Holder& holder : siblings) {
      if (depth == 1) lines_ = kLinesOfRoot * std::min<size_t>(top_, 1'000'000);
      const bool small = depth > 1 && holder.retained_bytes < whole_ / kShownShare;
      if (holder.kind == model::HolderKind::kOthers || shown == top_ || small || lines_ == 0) {
        others.count += holder.count;
        others.retained_bytes += holder.retained_bytes;
        continue;
      }
      ++shown;
      print_one(holder, depth);
      if (depth < model::kMaxHolderDepth) print(holder.children, depth + 1);
    }
    if (others.count != 0) print_one(others, depth);
  }

 private:
  void print_one(const model::Holder& holder, size_t depth) {
    if (lines_ != 0) --lines_;
    line(text_, "  {:>10} {:>6}  {:{}}{}", format_bytes(holder.retained_bytes), percent(holder.retained_bytes, whole_),
         "", 2 * (depth - 1), holder_text(holder));
  }

  Text& text_;
  uint64_t whole_;  // bytes
  size_t top_;
  size_t lines_ = 0;  // that the root may still have
};

constexpr const char* kNoSnapshot = "There is no whole heap snapshot in this trace: who holds what is not known.";

}  // namespace

void write_snapshots(Text& text, const model::Report& report) {
  if (report.snapshots.empty() && report.snapshots_skipped.empty()) return;
  line(text, "\nSNAPSHOTS  {} taken", format_count(report.snapshots.size()));
  const size_t hidden = report.snapshots.size() - std::min(report.snapshots.size(), kShownSnapshots);
  if (hidden != 0) line(text, "  ({}; JSON has all)", plural(hidden, "earlier one"));
  for (size_t i = hidden; i < report.snapshots.size(); ++i) line(text, "  {}", snapshot_text(report.snapshots[i]));
  for (size_t i = 0; i < report.snapshots_skipped.size() && i < kShownSkipped; ++i) {
    const model::SkippedSnapshots& skipped = report.snapshots_skipped[i];
    line(text, "  not taken: {} {}: {}{}", format_count(skipped.count), moment(skipped.reason),
         why_skipped(skipped.why),
         skipped.error_text.empty() ? std::string() : fmt::format(" ({})", printable(skipped.error_text)));
  }
}

void write_holders(Text& text, const model::Report& report, size_t top) {
  if (!report.holders) return;
  const model::Snapshot* const snapshot = graph_snapshot(report);
  if (snapshot == nullptr) {
    line(text, "\nHOLDERS  {}", kNoSnapshot);
    return;
  }
  // Trees of siblings share nothing. What they retain is all blocks, and mappings of the program besides.
  uint64_t retained = 0;
  for (const model::Holder& holder : *report.holders) retained += holder.retained_bytes;
  const uint64_t mapped = retained > snapshot->live_bytes ? retained - snapshot->live_bytes : 0;
  line(text, "\nHOLDERS  of {} live in {}{} {} ({}); what each retains, and its own size",
       format_bytes(snapshot->live_bytes), plural(snapshot->live_blocks, "block"),
       mapped == 0 ? std::string() : fmt::format(", and {} that the program mapped,", format_bytes(mapped)),
       moment(snapshot->reason), format_seconds(std::max(0.0, snapshot->time_s)));
  HolderTree(text, snapshot->live_bytes + mapped, top).print(*report.holders, 1);
}

void write_who_holds(Text& text, const model::Report& report, size_t top) {
  if (!report.who_holds) return;
  const model::WhoHolds& who_holds = *report.who_holds;
  const std::string query = shortened(printable(who_holds.query), 200);
  const model::Snapshot* const snapshot = graph_snapshot(report);
  if (snapshot == nullptr) {
    line(text, "\nWHO HOLDS {}  {}", query, kNoSnapshot);
    return;
  }
  const std::string when =
      fmt::format("{} ({})", moment(snapshot->reason), format_seconds(std::max(0.0, snapshot->time_s)));
  if (who_holds.matched.blocks == 0) {
    line(text, "\nWHO HOLDS {}  No block that was live {} matches.", query, when);
    return;
  }
  line(text, "\nWHO HOLDS {}  {} in {} live {}", query, format_bytes(who_holds.matched.bytes),
       plural(who_holds.matched.blocks, "block"), when);
  size_t shown = 0;
  for (const model::HeldBlocks& held : who_holds.blocks) {
    if (shown++ == top) break;
    line(text, "  {} in {}{} {:#x}", format_bytes(held.bytes), plural(held.blocks, "block"),
         held.blocks == 1 ? " at" : ", such as", held.address);
    const std::string path = held_by_lines(held.held_by, 4);
    if (held.held_by.kind == model::HolderKind::kNone) line(text, "    held by nothing: unreachable");
    text.append(path);
    text.append(stack_lines(report, held.stack, 6));
  }
  if (who_holds.blocks.size() > top)
    line(text, "  ({} more; JSON has all)", format_count(who_holds.blocks.size() - top));
}

}  // namespace tidemark::report

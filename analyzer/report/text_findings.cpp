#include "analyzer/report/text_findings.h"

#include <algorithm>
#include <vector>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/report/text_paths.h"
#include "analyzer/report/text_stack.h"

namespace tidemark::report {
namespace {

constexpr size_t kDetailIndent = 4;
constexpr size_t kStackIndent = 6;
constexpr size_t kKeptTypes = 4;

bool is_unreachable(const model::Finding& finding) {
  return finding.kind == model::VerdictKind::kUnreachable || finding.kind == model::VerdictKind::kUnreachableCycle;
}

const char* confidence_word(double confidence) {
  if (confidence >= 0.8) return "high";
  return confidence > 0.3 ? "medium" : "low";
}

// "true-leak / unreachable-cycle, high confidence (0.90)"
std::string label_of(const model::Finding& finding) {
  std::string label = model::name(finding.verdict_class);
  if (const char* kind = model::name(finding.kind)) label += fmt::format(" / {}", kind);
  if (finding.verdict_class == model::VerdictClass::kUndecided && finding.confidence == 0) return label;
  return label + fmt::format(", {} confidence ({:.2f})", confidence_word(finding.confidence), finding.confidence);
}

// "10 copies, 1,000 blocks directly lost (80.9 MB), 30 more only through them (1.2 KB)"
std::string lost_sentence(const model::Finding& finding) {
  std::string text;
  if (finding.copies > 1) text += format_count(finding.copies) + " copies, ";
  text +=
      fmt::format("{} directly lost ({})", plural(finding.direct_blocks, "block"), format_bytes(finding.direct_bytes));
  if (finding.indirect_blocks != 0) {
    text += fmt::format(", {} more only through {} ({})", format_count(finding.indirect_blocks),
                        finding.direct_blocks == 1 ? "it" : "them", format_bytes(finding.indirect_bytes));
  }
  return text;
}

// "80.0 MB in 10 × AudioBuffer, 1.2 KB in std::string, 20 B in 2 more types"
std::string kept_sentence(const std::vector<model::KeptType>& keeps) {
  std::string text;
  const size_t shown = keeps.size() > kKeptTypes + 1 ? kKeptTypes : keeps.size();
  for (size_t i = 0; i < shown; ++i) {
    if (i != 0) text += ", ";
    text += format_bytes(keeps[i].bytes) + " in ";
    // What has no type is named by where it came from.
    if (keeps[i].type.starts_with("allocated in ") || keeps[i].type == "memory") {
      text += plural(keeps[i].blocks, "block");
      if (keeps[i].type != "memory") text += " " + shown_name(keeps[i].type);
      continue;
    }
    if (keeps[i].blocks != 1) text += format_count(keeps[i].blocks) + " × ";
    text += shown_name(keeps[i].type);
  }
  uint64_t rest = 0;
  for (size_t i = shown; i < keeps.size(); ++i) rest += keeps[i].bytes;
  if (shown < keeps.size()) {
    text += fmt::format(", {} in {}", format_bytes(rest), plural(keeps.size() - shown, "more type"));
  }
  return text;
}

void write_finding(Text& text, const model::Report& report, const model::Finding& finding) {
  line(text, "  {} ({}) in {}  {}", format_bytes(finding.bytes),
       percent(finding.bytes, report.memory.live_bytes_at_end), plural(finding.blocks, "block"), label_of(finding));
  if (is_unreachable(finding) && finding.direct_blocks != 0)
    line(text, "{:{}}{}", "", kDetailIndent, lost_sentence(finding));
  if (finding.resurrected_blocks != 0) {
    line(text, "{:{}}{} that looked unreachable in a snapshot {} freed later: reachability proves little here", "",
         kDetailIndent, plural(finding.resurrected_blocks, "block"), finding.resurrected_blocks == 1 ? "was" : "were");
  }
  for (const std::string& evidence : finding.evidence) line(text, "{:{}}{}", "", kDetailIndent, printable(evidence));
  if (finding.folded_sites != 0) return;
  text.append(held_by_lines(finding.held_by, kDetailIndent));
  text.append(cycle_lines(finding.cycle, kDetailIndent));
  if (!finding.keeps.empty()) line(text, "{:{}}keeps alive: {}", "", kDetailIndent, kept_sentence(finding.keeps));
  text.append(stack_lines(report, finding.stack, kStackIndent));
}

}  // namespace

std::string holder_clause(const model::Finding& finding) {
  if (is_unreachable(finding)) {
    return finding.kind == model::VerdictKind::kUnreachableCycle ? ", held only by cycles of their own"
                                                                 : ", which nothing holds";
  }
  return finding.held_by.kind == model::HolderKind::kNone ? std::string() : ", held by " + root_name(finding.held_by);
}

void write_findings(Text& text, const model::Report& report, size_t top) {
  line(text, "\nLIVE AT THE END  {} in {} at {}", format_bytes(report.memory.live_bytes_at_end),
       plural(report.memory.live_blocks_at_end, "block"), format_seconds(report.memory.end_time_s));
  size_t shown = 0, hidden = 0, hidden_unreachable = 0;
  uint64_t unreachable_bytes = 0;
  for (const model::Finding& finding : report.findings) {
    if (finding.folded_sites == 0 && shown == top) {
      ++hidden;
      if (!is_unreachable(finding)) continue;
      ++hidden_unreachable;
      unreachable_bytes += finding.bytes;
      continue;
    }
    write_finding(text, report, finding);
    if (finding.folded_sites == 0) ++shown;
  }
  if (hidden == 0) return;
  // Small as it may be, what nothing holds is not passed over in silence.
  const std::string unreachable = hidden_unreachable == 0
                                      ? std::string()
                                      : fmt::format(", {} of them unreachable ({})", format_count(hidden_unreachable),
                                                    format_bytes(unreachable_bytes));
  line(text, "  ({} more{}; --top {} shows them, and JSON has all)", plural(hidden, "site"), unreachable,
       shown + hidden);
}

}  // namespace tidemark::report

#include "analyzer/report/text_findings.h"

#include <algorithm>
#include <vector>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/report/text_growth.h"
#include "analyzer/report/text_paths.h"
#include "analyzer/report/text_stack.h"

namespace tidemark::report {
namespace {

constexpr size_t kDetailIndent = 4;
constexpr size_t kStackIndent = 6;
constexpr size_t kKeptTypes = 4;
constexpr size_t kColumns = 120;
constexpr size_t kFewestSlices = 8;  // that a chart can show

bool is_unreachable(const model::Finding& finding) {
  return finding.kind == model::VerdictKind::kUnreachable || finding.kind == model::VerdictKind::kUnreachableCycle;
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

// Prose, wrapped at blanks.
void write_prose(Text& text, const std::string& prose, size_t indent) {
  for (size_t at = 0; at < prose.size();) {
    size_t length = prose.size() - at;
    if (length > kColumns - indent) {
      const size_t blank = prose.rfind(' ', at + kColumns - indent);
      length = blank != std::string::npos && blank > at ? blank - at : std::min(prose.find(' ', at), prose.size()) - at;
    }
    line(text, "{:{}}{}", "", indent, std::string_view(prose).substr(at, length));
    at += length;
    while (at < prose.size() && prose[at] == ' ') ++at;
  }
}

// How its live bytes went, slice by slice, and how much of what was born in each is left.
void write_generations(Text& text, const model::Finding& finding) {
  if (finding.generations.size() < kFewestSlices) return;
  std::vector<uint64_t> live, born, kept;
  for (const model::GenerationSlice& slice : finding.generations) {
    live.push_back(slice.live_bytes);
    born.push_back(slice.born_bytes);
    kept.push_back(slice.surviving_bytes);
  }
  const auto highest = [](const std::vector<uint64_t>& values) {
    return std::max(uint64_t{1}, *std::max_element(values.begin(), values.end()));
  };
  const uint64_t most = highest(live), most_born = std::max(highest(born), highest(kept));
  line(text, "{:{}}live, slice by slice     {}  full height {}", "", kDetailIndent, chart(live, most),
       format_bytes(most));
  line(text, "{:{}}born, and lived on       {}  full height {}", "", kDetailIndent, chart(born, most_born),
       format_bytes(most_born));
  std::string left = chart(kept, most_born);
  left.erase(left.find_last_not_of(' ') + 1);
  line(text, "{:{}}of these, never freed    {}", "", kDetailIndent, left.empty() ? "none" : left);
}

void write_finding(Text& text, const model::Report& report, const model::Finding& finding) {
  line(text, "  {}{}  {}", amount_of(report, finding),
       finding.blocks == 0 ? std::string() : " in " + plural(finding.blocks, "block"), label_of(finding));
  write_prose(text, printable(sentence(finding.summary)), kDetailIndent);
  if (const std::string growth = growth_phrase(finding.growth, report.process.duration_s); !growth.empty())
    line(text, "{:{}}{}", "", kDetailIndent, growth);
  if (finding.bound_bytes) line(text, "{:{}}declared bound: {}", "", kDetailIndent, format_bytes(*finding.bound_bytes));
  if (is_unreachable(finding) && finding.direct_blocks != 0)
    line(text, "{:{}}{}", "", kDetailIndent, lost_sentence(finding));
  if (finding.resurrected_blocks != 0) {
    line(text, "{:{}}{} that looked unreachable in a snapshot {} freed later: reachability proves little here", "",
         kDetailIndent, plural(finding.resurrected_blocks, "block"), finding.resurrected_blocks == 1 ? "was" : "were");
  }
  for (const std::string& evidence : finding.evidence) write_prose(text, printable(evidence), kDetailIndent);
  if (finding.folded_sites != 0) return;
  write_generations(text, finding);
  text.append(held_by_lines(finding.held_by, kDetailIndent));
  text.append(cycle_lines(finding.cycle, kDetailIndent));
  if (!finding.keeps.empty()) line(text, "{:{}}keeps alive: {}", "", kDetailIndent, kept_sentence(finding.keeps));
  if (finding.sites > 1)
    line(text, "{:{}}{} join here; the stack of the largest:", "", kDetailIndent, plural(finding.sites, "site"));
  text.append(stack_lines(report, finding.stack, kStackIndent));
}

// By bytes; what stands for the rest comes last.
std::vector<const model::Finding*> sorted_findings(const model::Report& report) {
  std::vector<const model::Finding*> sorted;
  for (const model::Finding& finding : report.findings) sorted.push_back(&finding);
  std::stable_sort(sorted.begin(), sorted.end(), [](const model::Finding* a, const model::Finding* b) {
    const bool a_rest = a->folded_sites != 0, b_rest = b->folded_sites != 0;
    return a_rest != b_rest ? b_rest : a->bytes > b->bytes;
  });
  return sorted;
}

}  // namespace

const char* confidence_word(double confidence) {
  if (confidence >= 0.8) return "high";
  return confidence > 0.3 ? "medium" : "low";
}

std::string amount_of(const model::Report& report, const model::Finding& finding) {
  std::string share = percent(finding.bytes, live_of_findings(report).bytes);
  if (finding.verdict_class == model::VerdictClass::kAllocatorCaching) {
    share = report.memory.rss_bytes_at_end ? percent(finding.bytes, *report.memory.rss_bytes_at_end) + " of RSS"
                                           : std::string("resident");
  }
  return fmt::format("{} ({})", format_bytes(finding.bytes), share);
}

std::string holder_clause(const model::Finding& finding) {
  if (is_unreachable(finding)) {
    return finding.kind == model::VerdictKind::kUnreachableCycle ? ", held only by cycles of their own"
                                                                 : ", which nothing holds";
  }
  return finding.held_by.kind == model::HolderKind::kNone ? std::string() : ", held by " + root_name(finding.held_by);
}

model::BlockSum live_of_findings(const model::Report& report) {
  if (report.working_life.ends_s > 0) return {report.working_life.live_blocks, report.working_life.live_bytes};
  return {report.memory.live_blocks_at_end, report.memory.live_bytes_at_end};
}

bool released_before_the_end(const model::Report& report) {
  const model::BlockSum live = live_of_findings(report);
  return live.bytes != report.memory.live_bytes_at_end || live.blocks != report.memory.live_blocks_at_end;
}

std::vector<const model::Finding*> shown_findings(const model::Report& report, size_t top) {
  std::vector<const model::Finding*> shown;
  for (const model::Finding* finding : sorted_findings(report)) {
    if (finding->folded_sites == 0 && shown.size() < top) shown.push_back(finding);
  }
  return shown;
}

const model::Finding* finding_with(const std::vector<const model::Finding*>& findings, const model::Stack& stack) {
  const auto found = std::find_if(findings.begin(), findings.end(), [&](const model::Finding* finding) {
    return !stack.frames.empty() && finding->stack.frames == stack.frames && finding->stack.cut == stack.cut;
  });
  return found == findings.end() ? nullptr : *found;
}

void write_findings(Text& text, const model::Report& report, size_t top) {
  const model::BlockSum live = live_of_findings(report);
  const bool earlier = released_before_the_end(report);
  line(text, "\n{} {} in {}{}", earlier ? "LIVE WHEN THE WORKING LIFE ENDED," : "LIVE AT THE END ",
       earlier ? fmt::format("at {}  {}", format_seconds(report.working_life.ends_s), format_bytes(live.bytes))
               : format_bytes(live.bytes),
       plural(live.blocks, "block"),
       earlier ? fmt::format(" ({} at the very end)", format_bytes(report.memory.live_bytes_at_end))
               : " at " + format_seconds(report.memory.end_time_s));
  const std::vector<const model::Finding*> sorted = sorted_findings(report);
  size_t shown = 0, hidden = 0, hidden_unreachable = 0;
  uint64_t unreachable_bytes = 0;
  for (const model::Finding* finding : sorted) {
    if (finding->folded_sites == 0 && shown == top) {
      ++hidden;
      if (!is_unreachable(*finding)) continue;
      ++hidden_unreachable;
      unreachable_bytes += finding->bytes;
      continue;
    }
    write_finding(text, report, *finding);
    if (finding->folded_sites == 0) ++shown;
  }
  if (hidden == 0) return;
  // Small as it may be, what nothing holds is not passed over in silence.
  const std::string unreachable = hidden_unreachable == 0
                                      ? std::string()
                                      : fmt::format(", {} of them unreachable ({})", format_count(hidden_unreachable),
                                                    format_bytes(unreachable_bytes));
  line(text, "  ({} more{}; --top {} shows them, and JSON has all)", plural(hidden, "finding"), unreachable,
       shown + hidden);
}

}  // namespace tidemark::report

#include "analyzer/report/text_summary.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/report/text_findings.h"
#include "analyzer/report/text_growth.h"
#include "analyzer/report/text_report.h"
#include "analyzer/report/text_stack.h"

namespace tidemark::report {
namespace {

// A smaller runner-up than these bytes, or this part of what is live, is in the list of findings only.
constexpr uint64_t kLeastRestBytes = 256 << 10;
constexpr uint64_t kLeastRest = 10;  // 1/10

std::string end_sentence(const model::Process& process) {
  const model::End& end = process.end;
  switch (end.kind) {
    case model::End::Kind::kExited:
      if (end.exec) return fmt::format("became {} by exec", printable(*end.exec));
      return end.code ? fmt::format("exited with {}", *end.code) : std::string("exited");
    case model::End::Kind::kSignaled:
      return end.code ? fmt::format("was ended by signal {}", *end.code) : "was ended by a signal";
    case model::End::Kind::kRunning:
      return "is still running";
    case model::End::Kind::kKilled:
      break;
  }
  return "was killed (the trace just stops)";
}

std::string process_sentence(const model::Report& report) {
  const model::Process& process = report.process;
  return fmt::format("{} (pid {}) ran {} and {}; {}, {}, {}.", printable(process.command), process.pid,
                     format_seconds(process.duration_s), end_sentence(process),
                     plural(report.recording.threads, "thread"), plural(report.recording.events, "event"),
                     report.recording.complete ? "nothing lost" : "SOMETHING WAS LOST (see the end)");
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// "TRUE-LEAK (unbounded-retention, high confidence)"
std::string verdict_words(const model::Verdict& verdict) {
  const char* const kind = model::name(verdict.kind);
  std::string text = upper(model::name(verdict.verdict_class));
  if (kind != nullptr) text += fmt::format(" ({}, {} confidence)", kind, confidence_word(verdict.confidence));
  return text;
}

std::string from_clause(const model::Report& report, const model::Stack& stack) {
  const std::string where = stack_origin(report, stack);
  return where.empty() ? std::string(", of unknown origin") : " from " + where;
}

const char* when_live(const model::Report& report) {
  return released_before_the_end(report) ? "live when the working life ended" : "live at the end";
}

// "54.9 MB (46.2%) in 1,200,000 blocks from fill (leak.cpp:30), held by global_store (leak.cpp:16)"
std::string finding_clause(const model::Report& report, const model::Finding& finding) {
  if (finding.verdict_class == model::VerdictClass::kAllocatorCaching) {
    std::string text = amount_of(report, finding);
    if (!finding.stack.frames.empty())
      text +=
          fmt::format(", most of it pinned by blocks{}{}", from_clause(report, finding.stack), holder_clause(finding));
    return text;
  }
  return fmt::format("{} ({}) in {}{}{}", format_bytes(finding.bytes),
                     percent(finding.bytes, live_of_findings(report).bytes), plural(finding.blocks, "block"),
                     from_clause(report, finding.stack), holder_clause(finding));
}

std::string peak_sentence(const model::Report& report) {
  if (report.peak_stacks.empty()) return "Nothing was ever live.";
  const model::PeakStack& peak = report.peak_stacks.front();
  return fmt::format("Largest part of the peak: {} ({}) in {}{}.", format_bytes(peak.bytes),
                     percent(peak.bytes, report.memory.peak_live_bytes), plural(peak.blocks, "block"),
                     from_clause(report, peak.stack));
}

bool has_stack(const model::Finding* finding) {
  return finding != nullptr && finding->folded_sites == 0 && !finding->stack.frames.empty();
}

// Who allocates it, and who holds it.
std::string who_sentence(const model::Report& report, const model::Finding* deciding) {
  if (!has_stack(deciding) || deciding->bytes == 0) return peak_sentence(report);
  const bool decided = report.verdict.verdict_class != model::VerdictClass::kUndecided;
  return fmt::format("{}: {}.",
                     decided ? "Largest part of it" : fmt::format("Largest part of what is {}", when_live(report)),
                     finding_clause(report, *deciding));
}

// Why it is a leak, or not.
std::string why_sentence(const model::Report& report, const model::Finding* deciding) {
  if (deciding != nullptr && !deciding->summary.empty()) return sentence(printable(deciding->summary));
  if (deciding != nullptr && deciding->folded_sites == 0 && !deciding->evidence.empty() &&
      report.verdict.verdict_class != model::VerdictClass::kUndecided) {
    return "Evidence: " + sentence(printable(deciding->evidence.front()));
  }
  const model::BlockSum live = live_of_findings(report);
  if (live.blocks == 0) return fmt::format("Nothing is {}.", when_live(report));
  return fmt::format("{} in {} {}, {} of the peak.", format_bytes(live.bytes), plural(live.blocks, "block"),
                     when_live(report), percent(live.bytes, report.memory.peak_live_bytes));
}

std::string memory_sentence(const model::Report& report) {
  std::string text = max_rss_sentence(report);
  if (text.empty()) text = "No process sample was taken: the resident set is not known.";
  if (const std::string limit = limit_sentence(report); !limit.empty()) text += " " + limit;
  return text;
}

// Another cause that is large enough to be known of, or a smaller leak.
const model::Finding* runner_up(const model::Report& report, const model::Finding* deciding) {
  const uint64_t enough = std::max(kLeastRestBytes, live_of_findings(report).bytes / kLeastRest);
  const model::Finding* best = nullptr;
  for (const model::Finding& finding : report.findings) {
    const bool same = finding.verdict_class == report.verdict.verdict_class && finding.kind == report.verdict.kind;
    if (&finding == deciding || same || finding.folded_sites != 0) continue;
    if (finding.verdict_class == model::VerdictClass::kNoGrowth) continue;
    const bool leak = finding.verdict_class == model::VerdictClass::kTrueLeak;
    if (finding.bytes < enough && !(leak && report.verdict.verdict_class != model::VerdictClass::kTrueLeak)) continue;
    const bool best_leak = best != nullptr && best->verdict_class == model::VerdictClass::kTrueLeak;
    if (best == nullptr || (leak && !best_leak) || (leak == best_leak && finding.bytes > best->bytes)) best = &finding;
  }
  return best;
}

std::string besides_sentence(const model::Report& report, const model::Finding& finding) {
  const char* const kind = model::name(finding.kind);
  std::string text = fmt::format("Besides: {}{}{}, ", model::name(finding.verdict_class), kind != nullptr ? " / " : "",
                                 kind != nullptr ? kind : "");
  if (finding.verdict_class != model::VerdictClass::kUndecided)
    text += fmt::format("{} confidence: ", confidence_word(finding.confidence));
  return text + (has_stack(&finding) ? finding_clause(report, finding) : amount_of(report, finding)) + ".";
}

// What the user can do so that the next report knows more.
std::string settle_sentence(const model::Report& report) {
  std::vector<std::string> ways;
  if (!report.recording.complete) ways.emplace_back("a recording that is complete (see its end)");
  if (!report.graph_snapshot) {
    ways.emplace_back(report.process.end.kind == model::End::Kind::kRunning
                          ? fmt::format("a heap snapshot (tidemark snapshot {})", report.process.pid)
                          : std::string("heap snapshots (--snapshot every=10s)"));
  }
  ways.emplace_back("a longer run");
  if (report.marks.size() < 2) ways.emplace_back("marks at the rounds of its work (tidemark mark, tidemark_mark)");
  std::string text = "What would settle it: ";
  for (size_t i = 0; i < ways.size(); ++i) {
    if (i != 0) text += i + 1 == ways.size() ? (ways.size() > 2 ? ", or " : " or ") : ", ";
    text += ways[i];
  }
  return text + ".";
}

}  // namespace

const model::Finding* deciding_finding(const model::Report& report) {
  const model::Finding* best = nullptr;
  for (const model::Finding& finding : report.findings) {
    if (finding.verdict_class != report.verdict.verdict_class || finding.kind != report.verdict.kind) continue;
    if (finding.confidence < report.verdict.confidence && best != nullptr) continue;
    const bool folded = finding.folded_sites != 0;
    if (best == nullptr || (best->folded_sites != 0) > folded ||
        ((best->folded_sites != 0) == folded && finding.bytes > best->bytes)) {
      best = &finding;
    }
  }
  return best;
}

void write_summary(Text& text, const model::Report& report) {
  const model::Finding* const deciding = deciding_finding(report);
  line(text, "{}: {}", verdict_words(report.verdict), sentence(printable(report.verdict.headline)));
  line(text, "{}", who_sentence(report, deciding));
  line(text, "{}", why_sentence(report, deciding));
  line(text, "{}", memory_sentence(report));
  const bool undecided = report.verdict.verdict_class == model::VerdictClass::kUndecided;
  if (undecided && report.memory.total_allocations != 0) {
    line(text, "{}", settle_sentence(report));
  } else if (const model::Finding* const next = runner_up(report, deciding); next != nullptr) {
    line(text, "{}", besides_sentence(report, *next));
  }
  line(text, "{}", process_sentence(report));
}

}  // namespace tidemark::report

#include "analyzer/report/text_ledger.h"

#include <algorithm>

#include "analyzer/base/units.h"
#include "analyzer/report/text_report.h"
#include "analyzer/report/text_stack.h"

namespace tidemark::report {
namespace {

using model::LedgerKind;

// A maxrss this much above the image's own high-water mark is not the image's.
constexpr double kForeignMaxRss = 1.02;
// Fewer bytes pinned are not worth their sites' names.
constexpr uint64_t kPinnedShown = uint64_t{64} << 10;

const char* meaning(LedgerKind kind) {
  switch (kind) {
    case LedgerKind::kLive:
      return "bytes that the program asked for and has not freed";
    case LedgerKind::kRounding:
      return "rounding of live blocks to their size classes, and headers";
    case LedgerKind::kFreeBetweenBlocks:
      return "free space on pages that live blocks fill at least half";
    case LedgerKind::kPinnedPages:
      return "free space on pages that a few live blocks pin";
    case LedgerKind::kFreePages:
      return "pages without a live block that the allocator keeps";
    case LedgerKind::kAllocatorMetadata:
      return "pages of the allocator where no block ever lay";
    case LedgerKind::kInherited:
      return "heap of the parent process, inherited by fork";
    case LedgerKind::kThreadStacks:
      return "stacks of threads";
    case LedgerKind::kThreadLocal:
      return "thread-local storage of the first thread, and the loader's tables";
    case LedgerKind::kModuleCode:
      return "code and constants of the program and its libraries";
    case LedgerKind::kModuleData:
      return "variables of the program and its libraries";
    case LedgerKind::kMappedFiles:
      return "other mapped files";
    case LedgerKind::kProgramMappings:
      return "memory that the program mapped itself";
    case LedgerKind::kSharedMemory:
      return "shared memory";
    case LedgerKind::kKernelProvided:
      return "provided by the kernel";
    case LedgerKind::kRecorder:
      return "the recorder's own";
  }
  return "";
}

void write_pinning(Text& text, const model::Report& report, const model::Ledger& ledger, size_t top) {
  if (ledger.bytes(LedgerKind::kPinnedPages) < kPinnedShown) return;
  line(text, "  pinned: {}, by blocks of {}", plural(ledger.pinned_pages, "page"),
       plural(ledger.pinning_sites, "site"));
  size_t shown = 0;
  for (const model::PinningSite& site : ledger.pinned_by) {
    // Beside the first one, those with a hundredth of the pages.
    if (shown == top || (shown != 0 && site.pages < ledger.pinned_pages / 100)) break;
    ++shown;
    const std::string where = stack_summary(report, site.stack);
    line(text, "    {} ({}) on {}, from {}; {} would be free to go without them", plural(site.blocks, "block"),
         format_bytes(site.bytes), plural(site.pages, "page"), where.empty() ? "code of unknown origin" : where,
         format_bytes(site.released_bytes));
  }
}

std::string title(const model::Ledger& ledger) {
  switch (ledger.source) {
    case model::LedgerSource::kEndSnapshot:
      return fmt::format("RESIDENT SET AT THE END  {}", format_bytes(ledger.rss_bytes));
    case model::LedgerSource::kSnapshot:
      return fmt::format("RESIDENT SET AT {}, THE LAST HEAP SNAPSHOT  {}", format_seconds(ledger.time_s),
                         format_bytes(ledger.rss_bytes));
    case model::LedgerSource::kSample:
      break;
  }
  return fmt::format("RESIDENT SET AT THE END  {} (without a heap snapshot, so only what the kernel counts)",
                     format_bytes(ledger.rss_bytes));
}

}  // namespace

void write_ledger(Text& text, const model::Report& report, size_t top) {
  if (!report.memory.ledger) return;
  const model::Ledger& ledger = *report.memory.ledger;
  line(text, "\n{}", title(ledger));
  for (const model::LedgerRow& row : ledger.rows) {
    line(text, "  {:>10}  {:>6}  {:<20}{}", format_bytes(row.bytes), percent(row.bytes, ledger.rss_bytes),
         model::name(row.kind), meaning(row.kind));
  }
  const int64_t rest = ledger.unexplained_bytes;
  const bool pages = ledger.source != model::LedgerSource::kSample;
  if (rest >= 0) {
    line(text, "  {:>10}  {:>6}  {:<20}{}", format_bytes(static_cast<uint64_t>(rest)),
         percent(static_cast<uint64_t>(rest), ledger.rss_bytes), "unexplained",
         pages ? "private memory that nobody is known to have mapped"
               : "free memory kept by the allocator, stacks, program data");
  } else {
    line(text, "  {:>10}  {:>6}  {:<20}{}", format_signed_bytes(rest), "", "unexplained",
         pages ? "pages that the kernel does not count as resident, such as zeros that were only read"
               : "live memory that was never touched, or is swapped out");
  }
  if (ledger.live_absent_bytes != 0) {
    line(text, "  {} of live blocks are in no page: never touched, or given back to the kernel",
         format_bytes(ledger.live_absent_bytes));
  }
  if (ledger.live_swapped_bytes != 0) {
    line(text, "  {} of live blocks are swapped out", format_bytes(ledger.live_swapped_bytes));
  }
  write_pinning(text, report, ledger, top);
}

std::string max_rss_sentence(const model::Report& report) {
  const model::Memory& memory = report.memory;
  if (!memory.max_rss_bytes) return {};
  std::string text = fmt::format("maxrss {} is a high-water mark", format_bytes(*memory.max_rss_bytes));
  const bool foreign =
      memory.image_high_water_bytes && *memory.image_high_water_bytes != 0 &&
      static_cast<double>(*memory.max_rss_bytes) > kForeignMaxRss * static_cast<double>(*memory.image_high_water_bytes);
  if (foreign) {
    text += fmt::format(" that this program did not reach: {} left it, and its own is {}",
                        report.process.image > 0 ? "an earlier image of the process"
                                                 : "its parent (or an earlier image of the process) before exec",
                        format_bytes(*memory.image_high_water_bytes));
  } else {
    if (memory.max_rss_time_s) {
      text += fmt::format(" reached at {}", format_seconds(std::max(0.0, *memory.max_rss_time_s)));
      if (memory.max_rss_live_bytes) text += fmt::format(" with {} live", format_bytes(*memory.max_rss_live_bytes));
    }
    text += ", and never falls";
  }
  if (memory.rss_bytes_at_end) {
    const bool untouched = memory.live_bytes_at_end > *memory.rss_bytes_at_end;
    text += fmt::format("; the process now holds {}, {} {} live{}", format_bytes(*memory.rss_bytes_at_end),
                        untouched ? "while" : "of which", format_bytes(memory.live_bytes_at_end),
                        untouched ? " (part of that was never touched)" : "");
    if (memory.recorder_bytes_at_end)
      text += fmt::format(" and {} are the recorder's", format_bytes(*memory.recorder_bytes_at_end));
  }
  return text + ".";
}

}  // namespace tidemark::report

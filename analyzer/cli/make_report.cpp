#include "analyzer/cli/make_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "analyzer/base/process.h"
#include "analyzer/base/progress.h"
#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/classify/classify.h"
#include "analyzer/cli/report_parts.h"
#include "analyzer/holders/holders.h"
#include "analyzer/launch/session.h"
#include "analyzer/launch/ticks.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/replay/replay.h"
#include "analyzer/symbols/stack_resolver.h"

namespace tidemark::cli {
namespace {

using replay::CallTreeNode;
using replay::Recording;

// Walks the call tree for the resolver. One per report.
class Stacks {
 public:
  Stacks(const Recording& recording, symbols::SymbolStore& store, model::Report& report)
      : recording_(recording),
        resolver_(files_of(recording), {recording.executable, recording.allocator, recording.operator_new}, store,
                  report.frames) {}

  model::Stack resolve(uint32_t node) {
    model::Stack stack;
    std::vector<symbols::CodeAddress> addresses;
    const size_t most = std::max(frames_left_, kFramesInAnyCase);
    for (; node != 0; node = recording_.tree.node(node).parent) {
      if (addresses.size() == most) {
        stack.cut = true;
        break;
      }
      const CallTreeNode& frame = recording_.tree.node(node);
      if (frame.pc <= trace::kMaxCutPc) {
        stack.cut = true;
        continue;
      }
      const uint32_t module = frame.module == CallTreeNode::kNoModule ? symbols::kNoModule : uint32_t{frame.module};
      // A return address may be that of the next function; the call lies before it.
      addresses.push_back({frame.exact != 0 ? frame.pc : frame.pc - 1, module});
    }
    frames_left_ -= std::min(frames_left_, addresses.size());
    stack.frames = resolver_.resolve(addresses);
    return stack;
  }

  const symbols::StackResolver& resolver() const noexcept { return resolver_; }

 private:
  static std::vector<symbols::ModuleFile> files_of(const Recording& recording) {
    std::vector<symbols::ModuleFile> files;
    files.reserve(recording.modules.size());
    for (const replay::LoadedModule& module : recording.modules)
      files.push_back({module.path, module.build_id, module.bias});
    return files;
  }

  // A million calls deep, a hundred stacks would make a report of gigabytes: when that many frames are there, further
  // stacks are cut.
  static constexpr size_t kMostFrames = size_t{1} << 20;
  static constexpr size_t kFramesInAnyCase = 256;

  const Recording& recording_;
  size_t frames_left_ = kMostFrames;
  symbols::StackResolver resolver_;
};

std::vector<model::PeakStack> peak_sites(const Recording& recording, size_t count) {
  std::vector<model::PeakStack> sites;
  for (uint32_t id = 0; id < recording.tree.size(); ++id) {
    const replay::SiteTotals& site = recording.tree.totals(id);
    if (site.at_peak_bytes == 0) continue;
    sites.push_back({site.at_peak_bytes, site.at_peak_blocks, id, {}});
  }
  const auto larger = [](const model::PeakStack& a, const model::PeakStack& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.site < b.site;
  };
  const size_t kept = std::min(count, sites.size());
  std::partial_sort(sites.begin(), sites.begin() + static_cast<ptrdiff_t>(kept), sites.end(), larger);
  sites.resize(kept);
  return sites;
}

// Beyond `top` findings, the rest joins the last one that says so.
void keep_top(std::vector<classify::Found>& findings, size_t top) {
  const bool has_folded = !findings.empty() && findings.back().finding.folded_sites != 0;
  const size_t own = findings.size() - (has_folded ? 1 : 0);
  if (own <= top) return;
  model::Finding rest;
  for (size_t i = top; i < findings.size(); ++i) {
    const model::Finding& finding = findings[i].finding;
    rest.bytes += finding.bytes;
    rest.blocks += finding.blocks;
    rest.folded_sites += std::max<uint64_t>(1, finding.folded_sites);
  }
  rest.evidence.push_back(fmt::format("{} beyond the {} largest", plural(rest.folded_sites, "site"), top));
  findings.resize(top);
  findings.push_back({std::move(rest)});
}

// What the classification wants to know of the heap snapshots.
classify::Context context_of(const Recording& recording, const ReportOptions& options, holders::Holders& holders) {
  classify::Context context;
  for (const holders::LostFinding& one : holders.lost()) {
    context.lost.push_back(one.finding);
    context.lost_sites.push_back(one.sites);
  }
  context.lost_by_site = holders.lost_by_site();
  const replay::Slices& slices = recording.generations.slices();
  holders.for_each_lost([&](uint32_t site, uint64_t birth, uint64_t bytes) {
    const size_t index = slices.at(birth);
    if (index >= slices.size()) return;
    const auto born = static_cast<uint8_t>(index);
    std::vector<replay::GenerationCell>& cells = context.lost_births[site];
    const auto found = std::find_if(cells.begin(), cells.end(), [born](const auto& cell) { return cell.born == born; });
    replay::GenerationCell& cell = found != cells.end() ? *found : cells.emplace_back();
    cell.born = cell.slice = born;
    ++cell.blocks;
    cell.bytes += static_cast<int64_t>(bytes);
  });
  context.graph = holders.has_graph();
  for (const auto& [site, held] : holders.site_holders(classify::sites_to_ask(recording))) {
    classify::Context::Holder& holder = context.holders[site];
    holder.weak_bytes = held.weak.bytes;
    const auto most = std::find_if(held.shares.begin(), held.shares.end(),
                                   [](const holders::HeldShare& share) { return !share.unreachable; });
    if (most != held.shares.end()) holder.root = most->group;
  }
  for (const model::Bound& bound : options.bounds) context.bounds.push_back(bound.bytes);
  context.bound_of = [&options, &holders](uint32_t site) -> std::optional<size_t> {
    for (size_t i = 0; i < options.bounds.size(); ++i) {
      if (holders.stack_names(site, options.bounds[i].site)) return i;
    }
    return std::nullopt;
  };
  context.allocated_in = [&holders](uint32_t site) { return holders.allocated_in(site); };
  return context;
}

model::WorkingLife working_life(const Recording& recording, const classify::Life& life) {
  const std::vector<replay::RunSlice>& slices = recording.generations.slices().all();
  model::WorkingLife working;
  working.ends_s = recording.clock.seconds(recording.end.time);
  working.live_bytes = recording.end.live_bytes;
  working.live_blocks = recording.end.live_blocks;
  if (life.startup != 0) working.begins_s = recording.clock.seconds(slices[life.startup - 1].end);
  if (!life.released || life.end == 0) return working;
  working.ends_s = recording.clock.seconds(slices[life.end - 1].end);
  working.live_bytes = slices[life.end - 1].live_bytes;
  working.live_blocks = slices[life.end - 1].live_blocks;
  return working;
}

// Who holds what of the findings that will be shown, and what else was asked of the heap graph.
void fill_holders(holders::Holders& holders, const ReportOptions& options, std::vector<classify::Found>& findings,
                  model::Report& report) {
  if (options.who_holds) holders.plan_who_holds(*options.who_holds);
  if (holders.has_graph()) {
    report.graph_snapshot = holders.graph_snapshot();
    const size_t shown = std::min(options.resolve, findings.size());
    std::vector<uint32_t> sites;
    for (size_t i = 0; i < shown; ++i) {
      const classify::Found& found = findings[i];
      if (found.lost != classify::Found::kNotLost) {
        holders.plan_lost(found.lost);
      } else if (found.finding.folded_sites == 0) {
        sites.push_back(found.finding.site);
      }
    }
    holders.plan_sites(sites);
    holders.find_places();
    for (size_t i = 0; i < shown; ++i) {
      classify::Found& found = findings[i];
      if (found.lost != classify::Found::kNotLost) {
        holders.fill_lost(found.lost, found.finding);
      } else if (found.finding.folded_sites == 0) {
        holders.fill_site(found.finding);
      }
    }
    if (options.holders) report.holders = holders.tree();
  }
  if (options.who_holds) report.who_holds = holders.who_holds();
}

void name_symbol_sources(const symbols::StackResolver& resolver, model::Report& report,
                         std::vector<std::string>& warnings) {
  for (uint32_t i = 0; i < report.modules.size(); ++i) {
    model::Module& module = report.modules[i];
    switch (resolver.source(i)) {
      case symbols::SymbolSource::kNotAsked:
        module.symbols = "not-asked";
        break;
      case symbols::SymbolSource::kDebugInfo:
        module.symbols = "debug-info";
        break;
      case symbols::SymbolSource::kSymbolTable:
        module.symbols = "symbol-table";
        break;
      case symbols::SymbolSource::kFileMissing:
        module.symbols = "file-missing";
        if (!module.path.empty() && module.path.front() == '/') {
          warnings.push_back(fmt::format("{} is gone: its frames are shown as offsets", printable(module.path)));
        }
        break;
      case symbols::SymbolSource::kBuildIdDiffers:
        module.symbols = "build-id-differs";
        warnings.push_back(
            fmt::format("{} is not the file that ran (its build-id differs from the recorded {}): its frames "
                        "are shown as offsets",
                        printable(module.path), module.build_id));
        break;
    }
  }
}

}  // namespace

Result<MadeReport> make_report(const std::string& trace_path, const ReportOptions& options,
                               symbols::SymbolStore& store) {
  // Before the chunks are listed: what a running process writes later is left out of all streams alike.
  const launch::Moment opened = launch::Moment::now();
  Result<replay::TraceFile> file = replay::TraceFile::open(trace_path);
  if (!file) return file.error();
  const bool running = process_lives(file->header().pid, file->header().process_start) && file->header().end_kind == 0;
  if (!running && file->header().pictures_open != 0) {
    launch::wait_for_pictures(trace_path);
    file = replay::TraceFile::open(trace_path);
    if (!file) return file.error();
  }
  const trace::FileHeader& header = file->header();

  replay::ReplayOptions replay_options;
  if (const uint64_t ticks = opened.ticks(header); running && ticks != 0) replay_options.until_ticks = ticks;
  holders::Holders holders(*file, store);
  ledger::Ledgers ledgers;
  replay_options.on_cut = [&](replay::CutHeap& cut) {
    ledgers.add(cut);  // first: holders takes the blocks away
    holders.add(cut);
  };
  replay_options.on_end = [&holders](const replay::LiveMap& live, uint64_t) { holders.end(live); };
  const Recording recording = [&] {
    Progress bar("reading " + std::string(base_name(trace_path)), options.progress);
    replay_options.progress = [&bar](uint64_t done, uint64_t total) { bar.update(done, total); };
    return replay::replay(*file, replay_options);
  }();

  MadeReport made;
  model::Report& report = made.report;
  fill_process(recording, running, report.process);
  fill_recording(recording, report.recording);
  fill_modules(recording, report.modules);
  fill_memory(recording, report.memory);
  fill_threads(recording, report.threads);
  fill_times(recording, report);

  holders.finish(recording);
  fill_snapshots(recording, holders.reachability(), report);
  ledgers.finish(recording, report);
  const classify::Context context = context_of(recording, options, holders);
  classify::Findings judged = classify::find(recording, report.memory, context);
  std::vector<classify::Found>& findings = judged.found;
  report.verdict = classify::judge(recording, report.memory, judged, context.allocated_in);
  report.growth = judged.growth;
  report.working_life = working_life(recording, judged.life);
  fill_limits(recording, report);
  report.peak_stacks = peak_sites(recording, options.top.value_or(kPeakStacks));
  if (options.top) keep_top(findings, *options.top);
  fill_holders(holders, options, findings, report);
  report.findings.reserve(findings.size());
  for (classify::Found& found : findings) report.findings.push_back(std::move(found.finding));

  Stacks stacks(recording, store, report);
  Progress symbols_bar("looking up symbols", options.progress);
  size_t resolved = 0;
  const size_t to_resolve = std::min(options.resolve, report.findings.size());
  for (; resolved < to_resolve; ++resolved) {
    model::Finding& finding = report.findings[resolved];
    if (finding.folded_sites == 0) finding.stack = stacks.resolve(finding.site);
    symbols_bar.update(resolved, to_resolve);
  }
  if (report.memory.ledger) {
    std::vector<model::PinningSite>& pinned_by = report.memory.ledger->pinned_by;
    for (size_t i = 0; i < pinned_by.size() && i < options.resolve; ++i) {
      pinned_by[i].stack = stacks.resolve(pinned_by[i].site);
    }
  }
  const size_t peaks = std::min(options.resolve, report.peak_stacks.size());
  for (size_t i = 0; i < peaks; ++i) report.peak_stacks[i].stack = stacks.resolve(report.peak_stacks[i].site);

  if (report.who_holds) {
    for (model::HeldBlocks& held : report.who_holds->blocks) held.stack = stacks.resolve(held.site);
  }

  made.warnings = recording.damage;
  made.warnings.insert(made.warnings.end(), holders.damage().begin(), holders.damage().end());
  if (recording.pictures_left_out != 0) {
    made.warnings.push_back(
        fmt::format("{} were not looked at: there are too many", plural(recording.pictures_left_out, "heap snapshot")));
  }
  name_symbol_sources(stacks.resolver(), report, made.warnings);
  return made;
}

}  // namespace tidemark::cli

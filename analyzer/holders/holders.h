// Who holds what: turns the pictures of a recording into heap graphs while it is replayed, and answers for the report:
// which blocks nothing leads to, what holds the others, and who keeps how much.
//
//   Holders holders(file, store);
//   options.on_cut = [&](replay::CutHeap& cut) { holders.add(cut); };      and on_end likewise
//   const Recording recording = replay(file, options);
//   holders.finish(recording);
//   holders.lost() ...                 findings of unreachable memory, without names
//   holders.plan_lost(i), plan_sites(), plan_who_holds()    for what will be shown
//   holders.find_places();             one pass over the picture's words
//   holders.fill_lost(i, finding), fill_site(finding), who_holds()
//
// Every whole picture is analysed for reachability; the last one at or before the end of the program's life is kept,
// and all that is shown rests on it. Without such a picture there is nothing to answer: has_graph(). Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "analyzer/holders/heap_picture.h"
#include "analyzer/holders/lost_findings.h"
#include "analyzer/holders/names.h"
#include "analyzer/holders/paths.h"
#include "analyzer/holders/site_holders.h"
#include "analyzer/model/report.h"
#include "analyzer/replay/recording.h"
#include "analyzer/replay/replay.h"

namespace tidemark::holders {

class Holders {
 public:
  // Both must outlive this.
  Holders(const replay::TraceFile& file, symbols::SymbolStore& store);

  void add(replay::CutHeap& cut);
  void end(const replay::LiveMap& live);
  // `recording` must outlive this.
  void finish(const replay::Recording& recording);

  bool has_graph() const noexcept { return heap_ != nullptr; }
  uint64_t graph_snapshot() const noexcept { return heap_->picture().head.id; }
  HeapPicture& heap() noexcept { return *heap_; }
  // Sentences: what of the pictures could not be read.
  const std::vector<std::string>& damage() const noexcept { return damage_; }
  // By picture, of those that were analysed.
  const std::unordered_map<uint64_t, model::Reachability>& reachability() const noexcept { return reachability_; }

  // By bytes, the most first.
  const std::vector<LostFinding>& lost() const noexcept { return lost_; }
  // What they account for, by site.
  const std::unordered_map<uint32_t, model::BlockSum>& lost_by_site() const noexcept { return lost_by_site_; }

  // visit(site, birth in ticks, bytes) for each block that the findings of unreachable memory account for.
  template <class Visitor>
  void for_each_lost(Visitor visit) const {
    if (!heap_) return;
    for (const LostBlock& lost : lost_blocks_) {
      const graph::Block& block = heap_->graph().blocks()[lost.block];
      if (!lost.gone && lost.birth != 0) visit(block.site, lost.birth, block.size);
    }
  }

  // Who holds the blocks of sites; empty without a graph.
  std::unordered_map<uint32_t, SiteHolders> site_holders(const std::vector<uint32_t>& sites) const;

  void plan_lost(size_t index);
  void plan_sites(const std::vector<uint32_t>& sites);
  void plan_who_holds(const model::WhoHoldsQuery& query);
  void find_places();

  // held_by, cycle, keeps. Of findings that were planned.
  void fill_lost(size_t index, model::Finding& finding);
  // held_by, and evidence of what is only weakly held.
  void fill_site(model::Finding& finding);
  // Blocks without their stacks.
  model::WhoHolds who_holds();
  std::vector<model::Holder> tree();

  // Whether a function or a file on a site's allocation stack contains the text.
  bool stack_names(uint32_t site, const std::string& text);
  // The function that allocated a site's blocks; empty: not known.
  std::string allocated_in(uint32_t site);

 private:
  struct PlannedLost {
    size_t way = 0;
    std::optional<size_t> cycle;
  };
  struct PlannedSite {
    size_t way = 0;
    model::BlockSum weak;
  };

  std::vector<uint32_t> best_cycle(uint32_t head);
  void plan_who_holds_address(uint64_t address);
  void plan_who_holds_site(const std::string& text);

  symbols::SymbolStore& store_;
  Areas::Allocator allocator_;
  std::string operator_new_;
  std::unique_ptr<HeapPicture> heap_;
  std::vector<LostBlock> lost_blocks_;
  std::unordered_map<uint64_t, model::Reachability> reachability_;
  std::vector<std::string> damage_;

  const replay::Recording* recording_ = nullptr;
  std::unique_ptr<Names> names_;
  std::unique_ptr<Paths> paths_;
  std::vector<LostFinding> lost_;
  std::unordered_map<uint32_t, model::BlockSum> lost_by_site_;
  std::unordered_map<size_t, PlannedLost> planned_lost_;
  std::unordered_map<uint32_t, PlannedSite> planned_sites_;
  model::WhoHolds who_holds_;
  std::vector<size_t> who_holds_ways_;
};

}  // namespace tidemark::holders

#include "analyzer/holders/holder_report.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>

namespace tidemark::holders {
namespace {

using model::Holder;
using model::HolderKind;

constexpr size_t kMostLevels = 6;
constexpr size_t kMostChildren = 12;
constexpr uint64_t kNoKey = UINT64_MAX;

// Nodes that look alike: blocks of one site. Roots are all different.
struct Fold {
  uint64_t key = kNoKey;
  std::vector<uint32_t> nodes;
  uint64_t retained = 0;
};

class Reporter {
 public:
  Reporter(HeapPicture& heap, Names& names) : heap_(heap), graph_(heap.graph()), names_(names) {}

  // What lies below some nodes, but for what looks like `own`.
  std::vector<Holder> below(const std::vector<uint32_t>& parents, uint64_t own, size_t depth) {
    std::vector<Fold> folds = fold_children(parents, own);
    std::vector<Holder> holders;
    const size_t shown = folds.size() > kMostChildren + 1 ? kMostChildren : folds.size();
    for (size_t i = 0; i < shown; ++i) holders.push_back(holder_of(folds[i], depth));
    if (shown == folds.size()) return holders;
    Holder& others = holders.emplace_back();
    others.kind = HolderKind::kOthers;
    others.count = 0;
    for (size_t i = shown; i < folds.size(); ++i) {
      others.count += folds[i].nodes.size();
      others.retained_bytes += folds[i].retained;
      for (const uint32_t node : folds[i].nodes) others.bytes += bytes_of(node);
    }
    return holders;
  }

 private:
  std::vector<Fold> fold_children(const std::vector<uint32_t>& parents, uint64_t own) {
    std::unordered_map<uint64_t, size_t> positions;
    std::vector<Fold> folds;
    for (const uint32_t parent : parents) {
      for (const uint32_t child : graph_.holder_tree().children(parent)) {
        const uint64_t key = key_of(child);
        // Many variables keep nothing alone.
        if (key == own || graph_.retained(child) == 0) continue;
        const auto [found, added] = positions.try_emplace(key, folds.size());
        if (added) folds.emplace_back().key = key;
        Fold& fold = folds[found->second];
        fold.nodes.push_back(child);
        fold.retained += graph_.retained(child);
      }
    }
    std::sort(folds.begin(), folds.end(), [](const Fold& a, const Fold& b) {
      return a.retained != b.retained ? a.retained > b.retained : a.nodes.front() < b.nodes.front();
    });
    return folds;
  }

  Holder holder_of(Fold& fold, size_t depth) {
    Holder holder;
    const uint32_t first = fold.nodes.front();
    const bool is_block = graph_.nodes().is_block(first);
    holder.retained_bytes = fold.retained;
    if (is_block) {
      add_chain(fold);
      holder.kind = heap_.is_heap_block(first) ? HolderKind::kBlock : HolderKind::kMapping;
      holder.type = fold.nodes.size() == 1 || names_.has_type(first) ? names_.type(first)
                                                                     : names_.type_of_site(graph_.blocks()[first].site);
    } else {
      names_.name_root(graph_.nodes().group(first), holder);
    }
    holder.count = fold.nodes.size();
    for (const uint32_t node : fold.nodes) holder.bytes += bytes_of(node);
    if (depth + 1 < kMostLevels) holder.children = below(fold.nodes, is_block ? fold.key : kNoKey, depth + 1);
    return holder;
  }

  // A list, or a tree: the blocks that look alike below them, at once or behind others that look alike.
  void add_chain(Fold& fold) {
    for (size_t i = 0; i < fold.nodes.size(); ++i) {
      const uint32_t node = fold.nodes[i];
      for (const uint32_t child : graph_.holder_tree().children(node)) {
        if (key_of(child) == fold.key) fold.nodes.push_back(child);
      }
    }
  }

  uint64_t key_of(uint32_t node) const {
    if (!graph_.nodes().is_block(node)) return uint64_t{node} << 2 | 2;
    const graph::Block& block = graph_.blocks()[node];
    return uint64_t{block.site} << 2 | (block.flags & graph::kMapping);
  }
  uint64_t bytes_of(uint32_t node) const { return graph_.nodes().is_block(node) ? graph_.blocks()[node].size : 0; }

  HeapPicture& heap_;
  graph::HeapGraph& graph_;
  Names& names_;
};

}  // namespace

std::vector<Holder> report_holders(HeapPicture& heap, Names& names) {
  return Reporter(heap, names).below({heap.graph().root_node()}, kNoKey, 0);
}

}  // namespace tidemark::holders

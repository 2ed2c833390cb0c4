#include "analyzer/replay/module_table.h"

#include <utility>

namespace tidemark::replay {
namespace {
constexpr size_t kMaxModules = 1'000'000;
constexpr uint32_t kNone = CallTreeNode::kNoModule;
}  // namespace

void ModuleTable::load(LoadedModule module) {
  if (module.end <= module.start) return;
  if (modules_.size() >= kMaxModules) {
    ++dropped_;
    return;
  }
  // What lay there is gone, whether or not its unload was noticed first.
  auto overlapped = mapped_.upper_bound(module.start);
  if (overlapped != mapped_.begin()) --overlapped;
  while (overlapped != mapped_.end() && overlapped->first < module.end) {
    LoadedModule& other = modules_[overlapped->second];
    if (other.end <= module.start) {
      ++overlapped;
      continue;
    }
    if (!other.unloaded) other.unloaded = module.loaded;
    overlapped = mapped_.erase(overlapped);
  }
  const auto position = static_cast<uint32_t>(modules_.size());
  mapped_[module.start] = position;
  position_of_[module.index] = position;
  modules_.push_back(std::move(module));
  last_ = kNone;
}

void ModuleTable::unload(uint64_t index, uint64_t time) {
  const auto found = position_of_.find(index);
  if (found == position_of_.end()) return;
  LoadedModule& module = modules_[found->second];
  if (!module.unloaded) module.unloaded = time;
  const auto mapped = mapped_.find(module.start);
  if (mapped != mapped_.end() && mapped->second == found->second) mapped_.erase(mapped);
  last_ = kNone;
}

std::vector<uint32_t> ModuleTable::mapped() const {
  std::vector<uint32_t> positions;
  positions.reserve(mapped_.size());
  for (const auto& [start, position] : mapped_) positions.push_back(position);
  return positions;
}

uint32_t ModuleTable::at(uint64_t pc) const noexcept {
  if (last_ != kNone && pc >= modules_[last_].start && pc < modules_[last_].end) return last_;
  auto found = mapped_.upper_bound(pc);
  if (found == mapped_.begin()) return kNone;
  --found;
  if (pc >= modules_[found->second].end) return kNone;
  return last_ = found->second;
}

}  // namespace tidemark::replay

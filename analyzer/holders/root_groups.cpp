#include "analyzer/holders/root_groups.h"

#include <algorithm>
#include <span>

namespace tidemark::holders {
namespace {

// What a key is of; the rest is an address or a number.
constexpr uint64_t kOfPlace = 0, kOfArea = uint64_t{1} << 60, kOfRegisters = uint64_t{2} << 60,
                   kOfKernel = uint64_t{3} << 60;

graph::RootKind root_kind(AreaKind kind) {
  switch (kind) {
    case AreaKind::kGlobal:
    case AreaKind::kMapping:
      return graph::RootKind::kGlobal;
    case AreaKind::kStack:
      return graph::RootKind::kStack;
    case AreaKind::kTls:
      return graph::RootKind::kTls;
    case AreaKind::kInherited:
      return graph::RootKind::kInherited;
    case AreaKind::kEndedThread:
    case AreaKind::kUnknown:
    case AreaKind::kNothing:
      break;
  }
  return graph::RootKind::kWeak;
}

}  // namespace

RootGroups::RootGroups(const replay::Picture& picture, const std::vector<replay::LoadedModule>& modules,
                       symbols::SymbolStore& store)
    : picture_(picture), modules_(modules), store_(store), symbols_(modules.size()) {
  for (uint32_t i = 0; i < modules.size(); ++i) {
    if (modules[i].tls_offset != 0) thread_local_blocks_.emplace_back(modules[i].tls_offset, i);
  }
  std::sort(thread_local_blocks_.begin(), thread_local_blocks_.end());
}

uint32_t RootGroups::thread_local_module(uint64_t below) const {
  // The block that begins nearest below it.
  const auto nearest =
      std::lower_bound(thread_local_blocks_.begin(), thread_local_blocks_.end(), std::pair{below, uint32_t{0}});
  return nearest == thread_local_blocks_.end() ? Area::kNoOwner : nearest->second;
}

symbols::ModuleSymbols* RootGroups::symbols(uint32_t module) {
  if (module >= modules_.size()) return nullptr;
  std::shared_ptr<symbols::ModuleSymbols>& symbols = symbols_[module];
  if (!symbols) symbols = store_.get(modules_[module].path, modules_[module].build_id);
  return symbols.get();
}

uint32_t RootGroups::make(const RootGroup& group) {
  groups_.push_back(group);
  return static_cast<uint32_t>(groups_.size() - 1);
}

uint32_t RootGroups::keyed(uint64_t key, const RootGroup& group) {
  const auto [found, added] = by_key_.try_emplace(key, static_cast<uint32_t>(groups_.size()));
  if (added) make(group);
  return found->second;
}

uint32_t RootGroups::at(const Area& area, uint64_t source) {
  if (last_ != UINT32_MAX && source >= groups_[last_].start && source < groups_[last_].end) return last_;
  switch (area.kind) {
    case AreaKind::kGlobal:
      last_ = variable(area, source);
      break;
    case AreaKind::kTls:
      last_ = thread_local_variable(area, source);
      break;
    case AreaKind::kStack:
      last_ = frame_slot(area, source);
      break;
    default:
      last_ = keyed(
          kOfArea | area.start,
          {.area = area.kind, .kind = root_kind(area.kind), .owner = area.owner, .start = area.start, .end = area.end});
  }
  const uint32_t group = last_;
  // What fills in between named objects is one group, but does not extend over them.
  if (!groups_[group].named && area.kind != AreaKind::kUnknown) last_ = UINT32_MAX;
  return group;
}

uint32_t RootGroups::variable(const Area& area, uint64_t source) {
  RootGroup group{
      .area = area.kind, .kind = root_kind(area.kind), .owner = area.owner, .start = area.start, .end = area.end};
  if (symbols::ModuleSymbols* const module = symbols(area.owner)) {
    const uint64_t bias = modules_[area.owner].bias;
    const std::span<const symbols::ObjectSymbol> variables = module->data_symbols();
    const uint32_t found = symbols::find_symbol(variables, source - bias);
    if (found != symbols::kNoSymbol) {
      group.start = variables[found].start + bias;
      group.end = variables[found].end + bias;
      group.named = true;
      return keyed(kOfPlace | group.start, group);
    }
  }
  return keyed(kOfArea | area.start, group);
}

uint32_t RootGroups::thread_local_variable(const Area& area, uint64_t source) {
  RootGroup group{
      .area = area.kind, .kind = root_kind(area.kind), .owner = area.owner, .start = area.start, .end = area.end};
  const uint64_t pointer = picture_.threads[area.owner].thread_pointer;
  if (source < pointer) {
    const uint32_t nearest = thread_local_module(pointer - source);
    if (symbols::ModuleSymbols* const module = symbols(nearest)) {
      const uint64_t block = pointer - modules_[nearest].tls_offset;
      const std::span<const symbols::ObjectSymbol> variables = module->thread_local_symbols();
      const uint32_t found = symbols::find_symbol(variables, source - block);
      if (found != symbols::kNoSymbol) {
        group.start = block + variables[found].start;
        group.end = block + variables[found].end;
        group.named = true;
        return keyed(kOfPlace | group.start, group);
      }
    }
  }
  return keyed(kOfArea | area.start, group);
}

uint32_t RootGroups::frame_slot(const Area& area, uint64_t source) {
  const replay::PictureThread& thread = picture_.threads[area.owner];
  RootGroup group{
      .area = area.kind, .kind = root_kind(area.kind), .owner = area.owner, .start = area.start, .end = area.end};
  const auto frame = std::upper_bound(thread.frames.begin(), thread.frames.end(), source,
                                      [](uint64_t at, const replay::PictureFrame& one) { return at < one.end; });
  if (frame == thread.frames.end()) return keyed(kOfArea | area.start, group);
  group.frame = static_cast<uint32_t>(frame - thread.frames.begin());
  group.start = std::max(area.start, frame == thread.frames.begin() ? area.start : std::prev(frame)->end);
  group.end = std::min(area.end, frame->end);
  group.named = true;
  return keyed(kOfPlace | group.start, group);
}

uint32_t RootGroups::of_registers(uint32_t thread) {
  return keyed(kOfRegisters | thread,
               {.area = AreaKind::kStack, .kind = graph::RootKind::kRegister, .is_register = true, .owner = thread});
}

uint32_t RootGroups::of_kernel() {
  return keyed(kOfKernel, {.area = AreaKind::kUnknown, .kind = graph::RootKind::kKernel, .is_kernel = true});
}

}  // namespace tidemark::holders

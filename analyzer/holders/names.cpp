#include "analyzer/holders/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"

namespace tidemark::holders {
namespace {

using replay::CallTreeNode;
using replay::LoadedModule;

// A wrapper of malloc has that many callers, and is that near to it.
constexpr size_t kWrapperCallers = 12;
constexpr uint8_t kWrapperFrames = 5;
constexpr std::string_view kRecorderName = "libtidemark_preload.so";
// Of the frames that may tell a type: allocators, wrappers and containers lie no deeper.
constexpr size_t kTypeFrames = 24;

bool is_allocation_function(std::string_view name) {
  return name.starts_with("operator new") || name == "malloc" || name == "calloc" || name == "realloc" ||
         name == "reallocarray" || name == "aligned_alloc" || name == "posix_memalign" || name == "memalign";
}

bool is_library_function(std::string_view name) {
  return name.empty() || name.starts_with("std::") || name.starts_with("__gnu_cxx::") ||
         name.starts_with("void std::") || is_allocation_function(name);
}

}  // namespace

Names::Names(const replay::Recording& recording, HeapPicture& heap, symbols::SymbolStore& store)
    : recording_(recording), heap_(heap), store_(store), symbols_(recording.modules.size()) {}

symbols::ModuleSymbols* Names::symbols(uint32_t module) {
  if (module >= symbols_.size()) return nullptr;
  std::shared_ptr<symbols::ModuleSymbols>& symbols = symbols_[module];
  if (!symbols) symbols = store_.get(recording_.modules[module].path, recording_.modules[module].build_id);
  return symbols.get();
}

bool Names::is_recorder(uint32_t module) const {
  return module < recording_.modules.size() && base_name(recording_.modules[module].path) == kRecorderName;
}

bool Names::is_allocator(uint32_t module) const {
  if (module >= recording_.modules.size()) return false;
  if (is_recorder(module)) return true;
  const std::string& path = recording_.modules[module].path;
  return path != recording_.executable && !path.empty() &&
         (path == recording_.allocator || path == recording_.operator_new);
}

const std::vector<Names::Function>& Names::functions_at(uint64_t pc, uint32_t module) {
  const auto [found, added] = functions_.try_emplace(pc ^ uint64_t{module} << 48);
  if (!added) return found->second;
  if (symbols::ModuleSymbols* const known = symbols(module)) {
    for (symbols::SourceFrame& frame : known->resolve(pc - recording_.modules[module].bias)) {
      found->second.push_back({std::move(frame.function), std::move(frame.file)});
    }
  }
  return found->second;
}

std::vector<Names::Function> Names::functions(uint32_t site, size_t most) {
  std::vector<Function> functions;
  bool inside_allocator = true;
  // Frames without a name count, too: a damaged trace has any number of them.
  size_t left = most;
  for (uint32_t node = site; node != 0 && left != 0 && functions.size() < most;
       node = recording_.tree.node(node).parent, --left) {
    const CallTreeNode& frame = recording_.tree.node(node);
    if (frame.pc <= trace::kMaxCutPc) continue;
    inside_allocator = inside_allocator && is_allocator(frame.module);
    if (inside_allocator) continue;
    const std::vector<Function>& here = functions_at(frame.exact != 0 ? frame.pc : frame.pc - 1, frame.module);
    functions.insert(functions.end(), here.begin(), here.end());
  }
  return functions;
}

// By its name: zmalloc_usable, PyObject_Calloc, Arena::allocate.
bool Names::is_allocation_function(std::string_view name) {
  name = name.substr(0, name.find('('));
  const size_t scope = name.rfind("::");
  if (scope != std::string_view::npos) name.remove_prefix(scope + 2);
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  constexpr std::string_view kAllocation = "alloc";
  return std::search(name.begin(), name.end(), kAllocation.begin(), kAllocation.end(), same) != name.end();
}

// The innermost that is neither the standard library's nor a wrapper of malloc; failing that, the innermost wrapper.
std::string Names::allocating_function(uint32_t site) {
  std::string wrapper;
  bool inside_allocator = true;
  size_t left = kTypeFrames;
  for (uint32_t node = site; node != 0 && left != 0; node = recording_.tree.node(node).parent, --left) {
    const CallTreeNode& frame = recording_.tree.node(node);
    if (frame.pc <= trace::kMaxCutPc) continue;
    inside_allocator = inside_allocator && is_allocator(frame.module);
    if (inside_allocator) continue;
    if (is_recorder(frame.module)) break;  // it calls main: further out is only what starts every program
    const std::vector<Function>& here = functions_at(frame.exact != 0 ? frame.pc : frame.pc - 1, frame.module);
    for (const Function& function : here) {
      if (is_library_function(function.name)) continue;
      if (!is_allocation_function(function.name) && !is_wrapper(frame.pc)) return function.name;
      if (wrapper.empty()) wrapper = function.name;
    }
  }
  return wrapper;
}

// A place in the code that allocates, or leads to one that does, for many callers: xmalloc, a string's constructor. To
// say that it allocates says nothing.
bool Names::is_wrapper(uint64_t pc) {
  if (!wrappers_) {
    wrappers_.emplace();
    const replay::CallTree& tree = recording_.tree;
    std::vector<uint8_t> left(tree.size());                       // frames up to which a node is near to an allocation
    std::unordered_map<uint64_t, std::vector<uint64_t>> callers;  // by pc, the first few
    for (auto node = static_cast<uint32_t>(tree.size()); node-- > 1;) {
      if (tree.totals(node).allocations != 0) left[node] = kWrapperFrames;
      if (left[node] == 0) continue;
      const uint32_t parent = tree.node(node).parent;
      left[parent] = std::max<uint8_t>(left[parent], static_cast<uint8_t>(left[node] - 1));
      std::vector<uint64_t>& known = callers[tree.node(node).pc];
      const uint64_t caller = tree.node(parent).pc;
      if (known.size() < kWrapperCallers && std::find(known.begin(), known.end(), caller) == known.end())
        known.push_back(caller);
    }
    for (const auto& [at, known] : callers) {
      if (known.size() == kWrapperCallers) wrappers_->insert(at);
    }
  }
  return wrappers_->contains(pc);
}

const Names::SiteType& Names::site(uint32_t id) {
  const auto [found, added] = sites_.try_emplace(id);
  SiteType& site = found->second;
  if (!added || id >= recording_.tree.size()) return site;
  const std::vector<Function> functions = this->functions(id, kTypeFrames);
  std::vector<std::string> names;
  for (const Function& function : functions) names.push_back(function.name);
  site.allocated_in = allocating_function(id);
  // The code that allocates knows the type: the first frame that has a function of no library.
  bool inside_allocator = true;
  size_t left = kMaxFrames;
  for (uint32_t node = id; node != 0 && left != 0 && !site.hint; node = recording_.tree.node(node).parent, --left) {
    const CallTreeNode& frame = recording_.tree.node(node);
    if (frame.pc <= trace::kMaxCutPc || frame.module >= recording_.modules.size()) continue;
    inside_allocator = inside_allocator && is_allocator(frame.module);
    if (inside_allocator) continue;
    const uint64_t pc = frame.exact != 0 ? frame.pc : frame.pc - 1;
    if (site.allocated_in.empty()) {
      // Without names: the place.
      site.allocated_in = fmt::format("{}+{:#x}", base_name(recording_.modules[frame.module].path),
                                      pc - recording_.modules[frame.module].bias);
    }
    const std::vector<Function>& here = functions_at(pc, frame.module);
    if (here.empty() || is_library_function(here.back().name)) continue;
    site.module = frame.module;
    site.hint = pc - recording_.modules[frame.module].bias;
  }
  const uint64_t vtable = heap_.vtable_of_site(id);
  if (vtable != 0) site.type = vtable_type(vtable);
  if (!site.type) site.type = symbols::allocated_type(names);
  site.text = site.type                   ? site.type->text
              : site.allocated_in.empty() ? std::string("memory")
                                          : "allocated in " + site.allocated_in;
  return site;
}

const std::string& Names::type_of_site(uint32_t site) { return this->site(site).text; }

std::optional<symbols::BlockType> Names::vtable_type(uint64_t vtable) {
  const auto [found, added] = vtable_types_.try_emplace(vtable);
  if (!added) return found->second;
  const std::vector<LoadedModule>& modules = heap_.modules();
  const auto behind = std::upper_bound(modules.begin(), modules.end(), vtable,
                                       [](uint64_t at, const LoadedModule& module) { return at < module.start; });
  if (behind == modules.begin() || vtable >= std::prev(behind)->end) return std::nullopt;
  const auto module = static_cast<uint32_t>(std::prev(behind) - modules.begin());
  if (symbols::ModuleSymbols* const known = heap_.groups().symbols(module)) {
    found->second = known->vtable_type(vtable - modules[module].bias);
  }
  return found->second;
}

std::optional<symbols::BlockType> Names::block_type(uint32_t block) {
  if (const uint64_t vtable = heap_.vtable_of(block); vtable != 0) {
    if (auto type = vtable_type(vtable)) return type;
  }
  return site(heap_.graph().blocks()[block].site).type;
}

bool Names::has_type(uint32_t block) { return heap_.is_heap_block(block) && block_type(block).has_value(); }

std::string Names::type(uint32_t block) {
  const graph::Block& one = heap_.graph().blocks()[block];
  const SiteType& site = this->site(one.site);
  if (!heap_.is_heap_block(block)) {
    return site.allocated_in.empty()
               ? fmt::format("mapping of {}", format_bytes(one.size))
               : fmt::format("mapping of {} made in {}", format_bytes(one.size), site.allocated_in);
  }
  if (const auto type = block_type(block)) return type->text;
  const std::string bytes = format_bytes(one.size);
  return site.allocated_in.empty() ? bytes : fmt::format("{} allocated in {}", bytes, site.allocated_in);
}

uint64_t Names::offset_in_type(uint32_t block, uint64_t offset) {
  if (!heap_.is_heap_block(block)) return offset;
  const std::optional<symbols::BlockType> type = block_type(block);
  const bool inside = type && !type->repeated && !type->object.empty() && offset >= type->object_offset;
  return inside ? offset - type->object_offset : offset;
}

std::optional<std::string> Names::field(uint32_t block, uint64_t offset) {
  if (!heap_.is_heap_block(block)) return std::nullopt;
  const std::optional<symbols::BlockType> type = block_type(block);
  if (!type || type->object.empty() || offset < type->object_offset) return std::nullopt;
  const SiteType& site = this->site(heap_.graph().blocks()[block].site);
  symbols::ModuleSymbols* const known = symbols(site.module);
  if (known == nullptr) return std::nullopt;
  uint64_t inside = offset - type->object_offset;
  std::string index;
  if (type->repeated) {
    const std::optional<uint64_t> size = known->size_of(type->object, site.hint);
    if (!size || *size == 0) return std::nullopt;
    index = fmt::format("[{}]", inside / *size);
    inside %= *size;
  }
  const std::optional<symbols::Field> field = known->field_at(type->object, inside, site.hint);
  if (!field || field->path.empty()) return index.empty() ? std::nullopt : std::optional(index);
  return index.empty() ? field->path : index + "." + field->path;
}

model::HeldBy Names::root(uint32_t number, uint64_t source) {
  model::HeldBy held;
  const RootGroup& group = heap_.groups().all()[number];
  const std::vector<LoadedModule>& modules = heap_.modules();
  const uint64_t place = source != 0 ? source : group.start;
  const auto set_object = [&](const symbols::DataObject& object, uint64_t at) {
    held.symbol = object.name;
    held.offset = object.is_variable && source != 0 && at >= object.start ? at - object.start : 0;
    if (source != 0 && !object.field.empty()) held.field = object.field;
    held.file = object.file;
    held.line = object.line;
  };
  if (group.is_kernel) {
    held.kind = model::HolderKind::kKernel;
    held.symbol = "epoll";
    return held;
  }
  if (group.is_register) {
    held.kind = model::HolderKind::kRegister;
    held.thread = heap_.thread_name(group.owner);
    return held;
  }
  switch (group.area) {
    case AreaKind::kGlobal:
      held.kind = model::HolderKind::kGlobal;
      if (symbols::ModuleSymbols* const known = heap_.groups().symbols(group.owner)) {
        held.module = modules[group.owner].path;
        const uint64_t at = place - modules[group.owner].bias;
        set_object(known->data_at(at), at);
      }
      break;
    case AreaKind::kMapping: {
      held.kind = model::HolderKind::kGlobal;
      const replay::PictureRegion& region = heap_.picture().regions[group.owner];
      held.symbol = region.path.empty() ? "shared mapping" : "mapping of " + region.path;
      if (source != 0) held.offset = source - group.start;
      break;
    }
    case AreaKind::kTls: {
      held.kind = model::HolderKind::kTls;
      held.thread = heap_.thread_name(group.owner);
      const uint64_t pointer = heap_.picture().threads[group.owner].thread_pointer;
      const uint32_t nearest =
          place < pointer ? heap_.groups().thread_local_module(pointer - place) : uint32_t{Area::kNoOwner};
      if (symbols::ModuleSymbols* const known = heap_.groups().symbols(nearest); known != nullptr && group.named) {
        held.module = modules[nearest].path;
        const uint64_t at = modules[nearest].tls_offset - (pointer - place);
        set_object(known->tls_at(at), at);
      }
      break;
    }
    case AreaKind::kStack: {
      held.kind = model::HolderKind::kStack;
      held.thread = heap_.thread_name(group.owner);
      const replay::PictureThread& thread = heap_.picture().threads[group.owner];
      if (group.frame >= thread.frames.size()) break;
      if (source != 0) held.offset = source - group.start;
      // A return address may be that of the next function; the innermost frame's was interrupted.
      const uint64_t pc = thread.frames[group.frame].pc - (group.frame == 0 ? 0 : 1);
      const auto behind = std::upper_bound(modules.begin(), modules.end(), pc,
                                           [](uint64_t at, const LoadedModule& module) { return at < module.start; });
      if (behind == modules.begin() || pc >= std::prev(behind)->end) break;
      const auto module = static_cast<uint32_t>(std::prev(behind) - modules.begin());
      held.module = modules[module].path;
      symbols::ModuleSymbols* const known = heap_.groups().symbols(module);
      const std::vector<symbols::SourceFrame> frames = known->resolve(pc - modules[module].bias);
      // What was inlined has its variables in the frame of the function that it was inlined into.
      const symbols::SourceFrame& frame = frames.back();
      held.symbol = frame.function.empty()
                        ? fmt::format("{}+{:#x}", base_name(modules[module].path), pc - modules[module].bias)
                        : frame.function;
      held.file = frame.file;
      held.line = frame.line;
      break;
    }
    case AreaKind::kInherited:
      held.kind = model::HolderKind::kInherited;
      break;
    case AreaKind::kEndedThread:
      held.kind = model::HolderKind::kUnknown;
      held.symbol = "stack of a thread that ended";
      held.thread = heap_.ended_thread_name(group.owner);
      break;
    case AreaKind::kUnknown:
    case AreaKind::kNothing:
      held.kind = model::HolderKind::kUnknown;
      if (group.owner < heap_.picture().regions.size()) {
        const replay::PictureRegion& region = heap_.picture().regions[group.owner];
        if (!region.path.empty()) held.symbol = region.path;
      }
      break;
  }
  return held;
}

void Names::name_root(uint32_t group, model::Holder& holder) {
  const model::HeldBy held = root(group, 0);
  holder.kind = held.kind;
  holder.name = held.symbol.value_or("");
  holder.file = held.file;
  holder.line = held.line;
  if (held.thread.empty()) return;
  holder.name += holder.name.empty() ? "thread " + held.thread : ", thread " + held.thread;
}

}  // namespace tidemark::holders

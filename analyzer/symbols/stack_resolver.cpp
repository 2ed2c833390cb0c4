#include "analyzer/symbols/stack_resolver.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "analyzer/base/text.h"

namespace tidemark::symbols {
namespace {

constexpr std::string_view kRecorderName = "libtidemark_preload.so";

bool is_allocation_function(std::string_view function) {
  static constexpr std::array<std::string_view, 16> kNames = {
      "malloc",         "calloc",          "realloc",           "reallocarray",      "memalign",       "aligned_alloc",
      "posix_memalign", "valloc",          "pvalloc",           "operator new",      "operator new[]", "free",
      "cfree",          "operator delete", "operator delete[]", "malloc_usable_size"};
  return std::find(kNames.begin(), kNames.end(), function) != kNames.end();
}

}  // namespace

StackResolver::StackResolver(std::vector<ModuleFile> modules, AllocatorModules allocators, SymbolStore& store,
                             std::vector<model::Frame>& frames)
    : modules_(std::move(modules)),
      allocators_(std::move(allocators)),
      frames_(frames),
      store_(store),
      symbols_(modules_.size()) {
  roles_.reserve(modules_.size());
  for (const ModuleFile& module : modules_) roles_.push_back(role_of(module));
}

StackResolver::~StackResolver() = default;

StackResolver::Role StackResolver::role_of(const ModuleFile& module) const {
  if (module.path.empty()) return Role::kOrdinary;
  if (base_name(module.path) == kRecorderName) return Role::kRecorder;
  if (module.path != allocators_.allocator && module.path != allocators_.operator_new) return Role::kOrdinary;
  return module.path == allocators_.executable ? Role::kExecutableAllocator : Role::kAllocator;
}

SymbolSource StackResolver::source(uint32_t module) const noexcept {
  return module < symbols_.size() && symbols_[module] ? symbols_[module]->source() : SymbolSource::kNotAsked;
}

std::vector<SourceFrame> StackResolver::source_frames(const CodeAddress& address, uint64_t offset) {
  if (address.module >= modules_.size()) return std::vector<SourceFrame>(1);
  std::shared_ptr<ModuleSymbols>& symbols = symbols_[address.module];
  if (!symbols) symbols = store_.get(modules_[address.module].path, modules_[address.module].build_id);
  return symbols->resolve(offset);
}

const std::vector<uint32_t>& StackResolver::frames_at(const CodeAddress& address) {
  auto& at_pc = resolved_[address.pc];
  for (const auto& [module, frames] : at_pc) {
    if (module == address.module) return frames;
  }
  const bool known = address.module < modules_.size();
  const uint64_t offset = known ? address.pc - modules_[address.module].bias : address.pc;
  std::vector<uint32_t> added;
  for (SourceFrame& frame : source_frames(address, offset)) {
    added.push_back(static_cast<uint32_t>(frames_.size()));
    frames_.push_back({std::move(frame.function), std::move(frame.file), frame.line,
                       known ? modules_[address.module].path : std::string(), offset, frame.inlined});
  }
  at_pc.emplace_back(address.module, std::move(added));
  return at_pc.back().second;
}

bool StackResolver::is_allocator_frame(const CodeAddress& address) {
  if (address.module >= modules_.size()) return false;
  switch (roles_[address.module]) {
    case Role::kOrdinary:
      return false;
    case Role::kRecorder:
    case Role::kAllocator:
      return true;
    case Role::kExecutableAllocator:
      return is_allocation_function(frames_[frames_at(address).back()].function);
  }
  return false;
}

std::vector<uint32_t> StackResolver::resolve(const std::vector<CodeAddress>& addresses) {
  const auto in_recorder = [this](const CodeAddress& address) {
    return address.module < modules_.size() && roles_[address.module] == Role::kRecorder;
  };
  std::vector<uint32_t> stack;
  const auto append = [&](const CodeAddress& address) {
    const std::vector<uint32_t>& frames = frames_at(address);
    stack.insert(stack.end(), frames.begin(), frames.end());
  };
  bool inside_allocator = true;
  for (const CodeAddress& address : addresses) {
    if (in_recorder(address)) continue;
    inside_allocator = inside_allocator && is_allocator_frame(address);
    if (!inside_allocator) append(address);
  }
  if (!stack.empty()) return stack;
  for (const CodeAddress& address : addresses) {
    if (!in_recorder(address)) append(address);
  }
  return stack;
}

}  // namespace tidemark::symbols

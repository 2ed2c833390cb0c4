// Turns the addresses of a stack into frames that people read: modules are opened when first met, every address is
// resolved once, and the frames that belong to the allocator are left out. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "analyzer/model/report.h"
#include "analyzer/symbols/module_symbols.h"

namespace tidemark::symbols {

struct ModuleFile {
  std::string path;
  std::string build_id;  // raw bytes
  uint64_t bias = 0;     // file address = pc - bias
};

// An instruction of a stack.
struct CodeAddress {
  uint64_t pc = 0;      // inside the calling instruction, so a return address less one
  uint32_t module = 0;  // position in the modules, or kNoModule
};
inline constexpr uint32_t kNoModule = UINT32_MAX;

// Whose frames are the allocator's.
struct AllocatorModules {
  std::string executable;
  std::string allocator;     // supplies malloc
  std::string operator_new;  // supplies operator new
};

class StackResolver {
 public:
  // Frames are added to `frames`; it and `store` must outlive this.
  StackResolver(std::vector<ModuleFile> modules, AllocatorModules allocators, SymbolStore& store,
                std::vector<model::Frame>& frames);
  ~StackResolver();

  // `addresses` innermost first; so is the result. Allocator frames are those inside the recorder, and the innermost
  // ones inside the module that supplies malloc or operator new (of the executable itself: only functions that are
  // called so). A stack of nothing else is kept whole.
  std::vector<uint32_t> resolve(const std::vector<CodeAddress>& addresses);

  // What is known about a module's symbols, as far as its frames were asked for.
  SymbolSource source(uint32_t module) const noexcept;

 private:
  enum class Role : uint8_t { kOrdinary, kRecorder, kAllocator, kExecutableAllocator };

  Role role_of(const ModuleFile& module) const;
  bool is_allocator_frame(const CodeAddress& address);
  const std::vector<uint32_t>& frames_at(const CodeAddress& address);
  std::vector<SourceFrame> source_frames(const CodeAddress& address, uint64_t offset);

  std::vector<ModuleFile> modules_;
  AllocatorModules allocators_;
  std::vector<Role> roles_;
  std::vector<model::Frame>& frames_;
  SymbolStore& store_;
  std::vector<std::shared_ptr<ModuleSymbols>> symbols_;  // by module, as far as asked for
  std::unordered_map<uint64_t, std::vector<std::pair<uint32_t, std::vector<uint32_t>>>>
      resolved_;  // by pc, then module
};

}  // namespace tidemark::symbols

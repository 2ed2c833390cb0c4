#include "analyzer/symbols/module_symbols.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>

#include "analyzer/symbols/demangle.h"

namespace tidemark::symbols {
namespace {

// Debug information of a file that was replaced or removed may still be installed.
std::string debug_file_of(const std::string& build_id) {
  if (build_id.size() < 2) return {};
  std::string hex;
  for (const char byte : build_id) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", hex.substr(0, 2), hex.substr(2));
}

constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = nullptr,
};

}  // namespace

ModuleSymbols::ModuleSymbols(const std::string& path, const std::string& build_id) {
  // libdwfl would ask the servers named there for every module without debug information.
  ::unsetenv("DEBUGINFOD_URLS");
  if (!open(path, build_id)) {
    const SymbolSource why = source_;
    if (!open(debug_file_of(build_id), build_id)) {
      source_ = why;
      session_.reset();
      return;
    }
  }
  if (Dwarf* dwarf = dwfl_module_getdwarf(module_, &dwarf_bias_)) dwarf_.emplace(dwarf);
  symbols_.emplace(module_);
  source_ = dwarf_ ? SymbolSource::kDebugInfo : SymbolSource::kSymbolTable;
}

bool ModuleSymbols::open(const std::string& path, const std::string& build_id) {
  source_ = SymbolSource::kFileMissing;
  struct stat status {};
  if (path.empty() || path.front() != '/' || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
    return false;
  session_.reset(dwfl_begin(&kCallbacks));
  if (!session_) return false;
  dwfl_report_begin(session_.get());
  module_ = dwfl_report_elf(session_.get(), "module", path.c_str(), -1, 0, true);
  dwfl_report_end(session_.get(), nullptr, nullptr);
  if (module_ == nullptr) return false;
  if (build_id.empty()) return true;
  GElf_Addr bias = 0;
  const unsigned char* bits = nullptr;
  GElf_Addr where = 0;
  if (dwfl_module_getelf(module_, &bias) == nullptr) return false;
  const int bytes = dwfl_module_build_id(module_, &bits, &where);
  if (bytes == static_cast<int>(build_id.size()) && std::memcmp(bits, build_id.data(), build_id.size()) == 0)
    return true;
  source_ = SymbolSource::kBuildIdDiffers;
  return false;
}

std::vector<SourceFrame> ModuleSymbols::resolve(uint64_t address) {
  std::vector<SourceFrame> frames;
  if (dwarf_) frames = dwarf_->find(address - dwarf_bias_);
  if (frames.empty()) frames.emplace_back();
  // Debug information may cover lines only (assembler code), or not this part of the module.
  if (frames.back().function.empty() && symbols_) {
    if (const char* name = symbols_->find(address)) frames.back().function = demangle(name);
  }
  return frames;
}

std::shared_ptr<ModuleSymbols> SymbolStore::get(const std::string& path, const std::string& build_id) {
  std::shared_ptr<ModuleSymbols>& module = modules_[{path, build_id}];
  if (!module) module = std::make_shared<ModuleSymbols>(path, build_id);
  return module;
}

}  // namespace tidemark::symbols

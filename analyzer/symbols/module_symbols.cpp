#include "analyzer/symbols/module_symbols.h"

#include <dwarf.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>

#include "analyzer/base/short_names.h"
#include "analyzer/base/text.h"
#include "analyzer/symbols/demangle.h"
#include "analyzer/symbols/dwarf_tools.h"

namespace tidemark::symbols {
namespace {

// Debug information of a file that was replaced or removed may still be installed.
std::string debug_file_of(const std::string& build_id) {
  if (build_id.size() < 2) return {};
  std::string hex;
  for (const char byte : build_id) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", hex.substr(0, 2), hex.substr(2));
}

// Entries of debug information that variables and types of one module may cost: some 2.5 s. All types of 50 MB of g++'s
// debug information took 0.8 million.
constexpr uint64_t kMaxEntries = 8'000'000;

constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = nullptr,
};

}  // namespace

ModuleSymbols::ModuleSymbols(const std::string& path, const std::string& build_id) : path_(path), budget_{kMaxEntries} {
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
  debug_information_ = dwfl_module_getdwarf(module_, &dwarf_bias_);
  if (debug_information_ != nullptr) dwarf_.emplace(debug_information_);
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

const ObjectSymbols* ModuleSymbols::objects() {
  if (!session_) return nullptr;
  if (!objects_) objects_.emplace(module_);
  return &*objects_;
}

DwarfVariables* ModuleSymbols::variables() {
  if (debug_information_ == nullptr || objects() == nullptr) return nullptr;
  if (!variables_) {
    variables_.emplace(debug_information_, objects_->writable_low() - dwarf_bias_,
                       objects_->writable_high() - dwarf_bias_, objects_->thread_local_bytes(), budget_);
  }
  return &*variables_;
}

std::span<const ObjectSymbol> ModuleSymbols::data_symbols() {
  const ObjectSymbols* const known = objects();
  return known == nullptr ? std::span<const ObjectSymbol>() : known->data();
}

std::span<const ObjectSymbol> ModuleSymbols::thread_local_symbols() {
  const ObjectSymbols* const known = objects();
  return known == nullptr ? std::span<const ObjectSymbol>() : known->thread_local_data();
}

std::string ModuleSymbols::place_name(uint64_t address, std::string_view what) const {
  const std::string module(base_name(path_));
  std::string name = fmt::format("{}+{:#x}", module.empty() ? "?" : module, address);
  return what.empty() ? name : fmt::format("{} ({})", name, what);
}

void ModuleSymbols::describe(Dwarf_Die variable, uint64_t offset, DataObject& object) {
  if (!object.is_variable) {
    const char* const linkage = linkage_name(&variable);
    object.name = linkage != nullptr ? variable_name(linkage) : short_name(types_.qualified_name(variable));
    object.is_variable = true;
  } else if (object.name.find("()::") == std::string::npos) {
    // Statics in C functions: only debug information knows the function, or that it is one.
    constexpr std::string_view kInFunction = "()::";
    const std::string whole = short_name(types_.qualified_name(variable));
    const size_t function = whole.rfind(kInFunction);
    if (function != std::string::npos && object.name.ends_with(whole.substr(function + kInFunction.size())))
      object.name = whole;
  }
  object.file = declaration_file(&variable);
  object.line = static_cast<uint32_t>(number(&variable, DW_AT_decl_line));
  const std::optional<Dwarf_Die> type = referred(&variable, DW_AT_type);
  if (!type) return;
  object.type = types_.name(*type);
  if (object.size == 0) object.size = types_.size(*type);
  if (std::optional<Field> field = types_.field(*type, offset)) object.field = std::move(field->path);
}

DataObject ModuleSymbols::data_at(uint64_t address) {
  DataObject object;
  object.start = address;
  const ObjectSymbols* const known = objects();
  if (known == nullptr) {
    object.name = place_name(address, "");
    return object;
  }
  const uint32_t index = find_symbol(known->data(), address);
  if (index != kNoSymbol) {
    const ObjectSymbol& symbol = known->data()[index];
    object.name = variable_name(symbol.name);
    object.start = symbol.start;
    object.size = symbol.end - symbol.start;
    object.is_variable = true;
  }
  DwarfVariables* const described = variables();
  if (described != nullptr) {
    const std::optional<uint64_t> start =
        object.is_variable ? object.start - dwarf_bias_ : described->start_before(address - dwarf_bias_);
    std::optional<Dwarf_Die> variable = start ? described->find(*start) : std::nullopt;
    const uint64_t offset = start ? address - dwarf_bias_ - *start : 0;
    if (variable && !object.is_variable) {
      // Without a symbol, only the variable's type tells how far it reaches.
      const std::optional<Dwarf_Die> type = referred(&*variable, DW_AT_type);
      if (!type || offset >= types_.size(*type)) variable.reset();
    }
    if (variable) {
      object.start = address - offset;
      describe(*variable, offset, object);
    }
  }
  if (!object.is_variable) object.name = place_name(address, known->section_at(address));
  return object;
}

DataObject ModuleSymbols::tls_at(uint64_t offset) {
  DataObject object;
  object.start = offset;
  const ObjectSymbols* const known = objects();
  const uint32_t index = known == nullptr ? kNoSymbol : find_symbol(known->thread_local_data(), offset);
  if (index == kNoSymbol) {
    object.name = place_name(offset, "thread-local");
    return object;
  }
  const ObjectSymbol& symbol = known->thread_local_data()[index];
  object.name = variable_name(symbol.name);
  object.start = symbol.start;
  object.size = symbol.end - symbol.start;
  object.is_variable = true;
  DwarfVariables* const described = variables();
  const std::optional<Dwarf_Die> variable =
      described == nullptr ? std::nullopt : described->find_thread_local(symbol.start);
  if (variable) describe(*variable, offset - symbol.start, object);
  return object;
}

std::optional<BlockType> ModuleSymbols::vtable_type(uint64_t address) {
  const ObjectSymbols* const known = objects();
  if (known == nullptr || address == 0) return std::nullopt;
  // Objects point behind the vtable's first two words; if the class has no virtual functions, right behind its end.
  constexpr uint64_t kPrefix = 16;
  constexpr std::string_view kVtable = "vtable for ";
  const uint32_t index = find_symbol(known->vtables(), address - 1);
  if (index != kNoSymbol) {
    const ObjectSymbol& symbol = known->vtables()[index];
    std::string name(symbol.name);
    const size_t version = name.find('@');
    if (version != std::string::npos) name.resize(version);
    const std::string demangled = demangle(name.c_str());
    if (address - symbol.start < kPrefix || !demangled.starts_with(kVtable)) return std::nullopt;
    return class_type(std::string_view(demangled).substr(kVtable.size()));
  }
  if (!vtables_) {
    GElf_Addr bias = 0;
    Elf* const elf = dwfl_module_getelf(module_, &bias);
    if (elf == nullptr) return std::nullopt;
    vtables_.emplace(elf, bias);
  }
  const std::optional<std::string> name = vtables_->class_at(address);
  return name ? std::optional<BlockType>(class_type(*name)) : std::nullopt;
}

std::optional<Dwarf_Die> ModuleSymbols::find_type(std::string_view name, std::optional<uint64_t> hint) {
  if (debug_information_ == nullptr) return std::nullopt;
  if (!type_index_) type_index_.emplace(debug_information_, budget_);
  return type_index_->find(name, hint && dwarf_ ? dwarf_->unit_at(*hint - dwarf_bias_) : std::nullopt);
}

std::optional<Field> ModuleSymbols::field_at(std::string_view type, uint64_t offset, std::optional<uint64_t> hint) {
  const std::optional<Dwarf_Die> found = find_type(type, hint);
  return found ? types_.field(*found, offset) : std::nullopt;
}

std::optional<uint64_t> ModuleSymbols::size_of(std::string_view type, std::optional<uint64_t> hint) {
  const std::optional<Dwarf_Die> found = find_type(type, hint);
  const uint64_t bytes = found ? types_.size(*found) : 0;
  return bytes != 0 ? std::optional<uint64_t>(bytes) : std::nullopt;
}

std::shared_ptr<ModuleSymbols> SymbolStore::get(const std::string& path, const std::string& build_id) {
  std::shared_ptr<ModuleSymbols>& module = modules_[{path, build_id}];
  if (!module) module = std::make_shared<ModuleSymbols>(path, build_id);
  return module;
}

}  // namespace tidemark::symbols

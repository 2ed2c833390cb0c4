#include "analyzer/symbols/demangle.h"

// demangle.h declares basename() unless told that the system does.
#define HAVE_DECL_BASENAME 1
#include <libiberty/demangle.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace tidemark::symbols {
namespace {
// A name can unfold to exponentially more than it has; longer ones than this are generated and say nothing to people.
constexpr size_t kMaxMangledBytes = 8192;
}  // namespace

std::string demangle(const char* symbol) {
  const bool mangled = std::strncmp(symbol, "_Z", 2) == 0 || std::strncmp(symbol, "_R", 2) == 0;
  if (!mangled || std::strlen(symbol) > kMaxMangledBytes) return symbol;
  struct Free {
    void operator()(char* text) const noexcept { std::free(text); }
  };
  // Rust first: its legacy names are valid C++ ones with a hash at the end, which this hides.
  std::unique_ptr<char, Free> text(rust_demangle(symbol, DMGL_RUST));
  if (!text) text.reset(cplus_demangle_v3(symbol, DMGL_ANSI));
  return text ? std::string(text.get()) : std::string(symbol);
}

}  // namespace tidemark::symbols

// Names as people write them: C++ (Itanium ABI) and Rust (legacy and v0) symbols, by libiberty.
#pragma once

#include <string>

namespace tidemark::symbols {

// Without parameter lists and return types: the line number tells overloads apart, and stacks stay readable. Template
// arguments stay: they carry types. Anything that is no mangled name comes back as it is.
std::string demangle(const char* symbol);

}  // namespace tidemark::symbols

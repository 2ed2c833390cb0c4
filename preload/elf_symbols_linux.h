// Whether a module behind ours defines a symbol, without dlsym: for a name that is not there dlsym formats an error,
// with the program's malloc, which may be in the middle of its own first initialization.
#pragma once

#include <cstdint>

namespace tidemark {

// "Behind": later in the loader's list, which is the order of RTLD_NEXT. Versions are not looked at.
bool defined_behind_us(const char* name) noexcept;

// What the module that covers `pc` would find under `name` among its own symbols and its dependencies'; nullptr if
// nothing.
void* symbol_of_module(uintptr_t pc, const char* name) noexcept;

}  // namespace tidemark

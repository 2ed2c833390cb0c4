// The recorder's own heap for what is neither hot nor large: a private mimalloc, built in and hidden. Never the
// program's malloc, which would come back to our hooks.
#pragma once

#include <mimalloc.h>

#include <cstddef>
#include <cstring>

namespace tidemark::slow_heap {

inline void* allocate(size_t bytes) noexcept { return mi_malloc(bytes); }
inline void* grow(void* block, size_t bytes) noexcept { return mi_realloc(block, bytes); }
inline void release(void* block) noexcept { mi_free(block); }

}  // namespace tidemark::slow_heap

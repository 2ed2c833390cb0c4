// mimalloc's and libunwind's mappings go to the recorder's own window, too.
#include "preload/own_memory.h"

#include <errno.h>

extern "C" [[gnu::visibility("hidden")]] void* tidemark_private_mmap(void* address, size_t size, int protection,
                                                                     int flags, int fd, off_t offset) {
  if (address == nullptr || (flags & MAP_FIXED) == 0) address = tidemark::own_address(size);
  void* const memory = tidemark::sys::mmap(address, size, protection, flags, fd, offset);
  if (!tidemark::sys::failed(memory)) return memory;
  errno = static_cast<int>(-reinterpret_cast<long>(memory));
  return MAP_FAILED;
}

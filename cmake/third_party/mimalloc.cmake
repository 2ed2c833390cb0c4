# mimalloc from its single-file source. static.c takes over malloc only where MI_MALLOC_OVERRIDE is defined: it is not.

tidemark_fetch_source(mimalloc mimalloc_source)

add_library(tidemark_mimalloc STATIC "${mimalloc_source}/src/static.c")
target_include_directories(tidemark_mimalloc SYSTEM PUBLIC "${mimalloc_source}/include")
target_compile_definitions(tidemark_mimalloc PRIVATE
  MI_NO_GETENV             # the program's MIMALLOC_* are not ours
  MI_SKIP_COLLECT_ON_EXIT  # blocks of ours are used until the process ends
  MI_DEBUG=0 MI_SECURE=0 MI_STAT=0)
target_compile_options(tidemark_mimalloc PRIVATE ${redirect_calls})
target_link_libraries(tidemark_mimalloc PRIVATE tidemark_third_party_options PUBLIC tidemark_private_calls)

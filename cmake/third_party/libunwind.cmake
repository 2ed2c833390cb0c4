# libunwind's local-only x86-64 part: the sources of its libunwind.la for Linux without _Unwind_*, compressed symbol
# tables and the debug printer. libunwind/config.h stands in for the one that its configure script would write.

if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  message(FATAL_ERROR "tidemark_libunwind lists the sources of x86-64 only, not of ${CMAKE_SYSTEM_PROCESSOR}")
endif()

tidemark_fetch_source(libunwind libunwind_source)

set(libunwind_files
  # shared by every kind of unwinding
  os-linux.c elf64.c mi/init.c mi/flush_cache.c mi/mempool.c mi/strerror.c
  # local unwinding, independent of the processor
  mi/backtrace.c mi/dyn-cancel.c mi/dyn-info-list.c mi/dyn-register.c mi/Ldestroy_addr_space.c mi/Ldyn-extract.c
  mi/Lfind_dynamic_proc_info.c mi/Lget_accessors.c mi/Lget_fpreg.c mi/Lget_proc_info_by_ip.c mi/Lget_proc_name.c
  mi/Lget_reg.c mi/Lput_dynamic_unwind_info.c mi/Lset_cache_size.c mi/Lset_caching_policy.c mi/Lset_fpreg.c
  mi/Lset_reg.c
  # DWARF call frame information
  dwarf/global.c dwarf/Lexpr.c dwarf/Lfde.c dwarf/Lfind_proc_info-lsb.c dwarf/Lfind_unwind_table.c dwarf/Lparser.c
  dwarf/Lpe.c
  # x86-64
  x86_64/Lapply_reg_state.c x86_64/Lcreate_addr_space.c x86_64/Lget_proc_info.c x86_64/Lget_save_loc.c
  x86_64/Lglobal.c x86_64/Linit.c x86_64/Linit_local.c x86_64/Linit_remote.c x86_64/Los-linux.c
  x86_64/Lreg_states_iterate.c x86_64/Lregs.c x86_64/Lresume.c x86_64/Lstash_frame.c x86_64/Lstep.c x86_64/Ltrace.c
  x86_64/getcontext.S x86_64/is_fpreg.c x86_64/regname.c x86_64/setcontext.S)
list(TRANSFORM libunwind_files PREPEND "${libunwind_source}/src/")

# The one public header that its configure script generates.
set(PKG_MAJOR 1)
set(PKG_MINOR 6)
set(PKG_EXTRA 2)
configure_file("${libunwind_source}/include/libunwind-common.h.in"
  "${CMAKE_CURRENT_BINARY_DIR}/libunwind/libunwind-common.h" @ONLY)

add_library(tidemark_libunwind STATIC ${libunwind_files})
target_include_directories(tidemark_libunwind SYSTEM
  PUBLIC "${libunwind_source}/include" "${CMAKE_CURRENT_BINARY_DIR}/libunwind"
  PRIVATE "${libunwind_source}/include/tdep-x86_64")  # after include/: both have a libunwind_i.h
target_include_directories(tidemark_libunwind PRIVATE
  "${CMAKE_CURRENT_SOURCE_DIR}/libunwind" "${libunwind_source}/src")
target_compile_definitions(tidemark_libunwind
  PRIVATE HAVE_CONFIG_H
  INTERFACE UNW_LOCAL_ONLY)
target_compile_options(tidemark_libunwind PRIVATE ${redirect_calls})
target_link_libraries(tidemark_libunwind PRIVATE tidemark_third_party_options PUBLIC tidemark_private_calls)
# Its assembler symbols are global, whatever the visibility of C is.
target_link_options(tidemark_libunwind INTERFACE LINKER:--exclude-libs,libtidemark_libunwind.a)

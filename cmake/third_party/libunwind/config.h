/* What libunwind 1.6's configure script would find on Linux with glibc, less what an embedded unwinder must not use:
   no HAVE_LZMA and HAVE_ZLIB (compressed symbol tables), no CONFIG_DEBUG_FRAME (reads files, allocates),
   no CONFIG_WEAK_BACKTRACE (would replace backtrace), no HAVE___CACHE_PER_THREAD (tens of KiB of every thread's stack),
   no CONSERVATIVE_CHECKS (validates each address by system calls; the recorder supplies access_mem).  */
#define CONFIG_BLOCK_SIGNALS
#define HAVE_DL_ITERATE_PHDR 1
#define HAVE_ELF_H 1
#define HAVE_ENDIAN_H 1
#define HAVE_LINK_H 1
#define HAVE_MINCORE 1
#define HAVE_PIPE2 1
#define HAVE_SIGNAL_H 1
#define HAVE_STRUCT_DL_PHDR_INFO_DLPI_SUBS 1
#define HAVE_SYS_PARAM_H 1
#define HAVE_SYS_SYSCALL_H 1
#define HAVE___THREAD 1
#define HAVE__BUILTIN_UNREACHABLE 1
#define HAVE__BUILTIN___CLEAR_CACHE 1
#define SIZEOF_OFF_T 8
#define STDC_HEADERS 1
#define PACKAGE_BUGREPORT ""
#define PACKAGE_STRING "libunwind 1.6.2"

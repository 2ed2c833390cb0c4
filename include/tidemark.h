/* Optional client header of Tidemark: name moments of a program in its trace, and take snapshots of its heap.
 *
 * Nothing to link: the functions are supplied by libtidemark_preload.so when the program runs under `tidemark run` (or
 * with the library in LD_PRELOAD); otherwise the calls do nothing. C99 and C++, GCC and Clang. */
#ifndef TIDEMARK_H
#define TIDEMARK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Supplied by the preloaded library. Do not call them directly: they are null without the library. GCC's noplt takes
 * the address from the global offset table, which the loader fills, also in a position-dependent executable; Clang does
 * so in position-independent ones (its default). */
#if defined(__GNUC__) && !defined(__clang__)
extern void tidemark_client_mark(const char* text) __attribute__((weak, noplt));
extern void tidemark_client_snapshot(void) __attribute__((weak, noplt));
#else
extern void tidemark_client_mark(const char* text) __attribute__((weak));
extern void tidemark_client_snapshot(void) __attribute__((weak));
#endif

/* Names this moment: `text` (UTF-8, cut at 4096 bytes, copied) appears in the report's table of marks with the live
 * bytes, RSS and maxrss of this moment. Any thread, any time; costs about 20 microseconds (it reads RSS), and nothing
 * when the program is not being recorded. */
static inline void tidemark_mark(const char* text) {
  if (tidemark_client_mark) tidemark_client_mark(text);
}

/* Takes a heap snapshot now, from which the report tells who holds what at this moment. Any thread, any time; returns
 * when the program's threads go on, after a pause about that of a fork (a copy of the process writes the snapshot
 * meanwhile), and costs nothing when the program is not being recorded. Not taken while the one before is still being
 * written, or where memory is short: the report says so. */
static inline void tidemark_snapshot(void) { /* NOLINT(modernize-redundant-void-arg): this is C as well */
  if (tidemark_client_snapshot) tidemark_client_snapshot();
}

#ifdef __cplusplus
}
#endif

#endif

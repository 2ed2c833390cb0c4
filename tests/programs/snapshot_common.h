// What the programs around snapshots share: they say what they saw that natively they would not have seen, and end with
// status 1 then; else they print "OK" and end with 0. Natively, without the recorder, snapshots are nothing.
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tidemark.h"

static _Atomic int things_seen;

// Any thread. At most 20 lines, each in one write.
static inline __attribute__((format(printf, 1, 2))) void saw(const char* format, ...) {
  if (atomic_fetch_add(&things_seen, 1) >= 20) return;
  char line[300];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  if (length > (int)sizeof(line) - 2) length = (int)sizeof(line) - 2;
  line[length] = '\n';
  if (write(STDOUT_FILENO, line, (size_t)length + 1) < 0) _exit(3);
}

#define EXPECT(condition, ...)          \
  do {                                  \
    if (!(condition)) saw(__VA_ARGS__); \
  } while (0)

// For what must work before there is anything to test.
#define REQUIRE(condition)                                                                 \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno)); \
      exit(3);                                                                             \
    }                                                                                      \
  } while (0)

// The program's status.
static inline int verdict(void) {
  if (atomic_load(&things_seen) != 0) return 1;
  puts("OK");
  return 0;
}

static inline double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// JSON written with write(2) through a buffer on the stack: for a library that stands in malloc's place, and so can
// have nothing from stdio. Names and strings are written as they are. A file that takes no more loses the rest.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

struct text {
  int file;
  size_t used;
  char bytes[4096];
};

static void flush(struct text* text) {
  for (size_t done = 0; done < text->used;) {
    const ssize_t count = write(text->file, text->bytes + done, text->used - done);
    if (count <= 0) break;
    done += (size_t)count;
  }
  text->used = 0;
}

static void add(struct text* text, const char* string) {
  for (; *string != 0; ++string) {
    if (text->used == sizeof(text->bytes)) flush(text);
    text->bytes[text->used++] = *string;
  }
}

static void add_number(struct text* text, uint64_t number) {
  char digits[24];
  char* at = digits + sizeof(digits) - 1;
  *at = 0;
  do *--at = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  add(text, at);
}

static void add_member(struct text* text, const char* name, uint64_t number) {
  add(text, "\"");
  add(text, name);
  add(text, "\": ");
  add_number(text, number);
  add(text, ", ");
}

static void add_list(struct text* text, const char* name, const uint64_t* numbers, unsigned count) {
  add(text, "\"");
  add(text, name);
  add(text, "\": [");
  for (unsigned i = 0; i < count; ++i) {
    if (i != 0) add(text, ", ");
    add_number(text, numbers[i]);
  }
  add(text, "]");
}

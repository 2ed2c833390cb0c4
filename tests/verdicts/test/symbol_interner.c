/* A code indexer. Each identifier that it meets is kept once, in a table that doubles when it is half full. A project
 * has only so many identifiers: most are met in the first tenth of the files, and nearly all in the first third. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct symbol {
  uint32_t hash;
  uint32_t uses;
  size_t length;
  char name[];
} symbol;

typedef struct interner {
  symbol** slots;
  size_t slot_count;
  size_t used;
} interner;

static uint32_t hash_of(const char* name, size_t length) {
  uint32_t hash = 5381;
  for (size_t i = 0; i < length; ++i) hash = hash * 33 + (unsigned char)name[i];
  return hash ^ (hash >> 15);
}

static void grow(interner* in) {
  symbol** old = in->slots;
  const size_t old_count = in->slot_count;
  in->slot_count = old_count ? old_count * 2 : 1024;
  in->slots = calloc(in->slot_count, sizeof *in->slots);
  if (!in->slots) abort();
  for (size_t i = 0; i < old_count; ++i) {
    if (!old[i]) continue;
    size_t at = old[i]->hash & (in->slot_count - 1);
    while (in->slots[at]) at = (at + 1) & (in->slot_count - 1);
    in->slots[at] = old[i];
  }
  free(old);
}

static symbol* intern(interner* in, const char* name, size_t length) {
  if (in->used * 2 >= in->slot_count) grow(in);
  const uint32_t hash = hash_of(name, length);
  size_t at = hash & (in->slot_count - 1);
  for (; in->slots[at]; at = (at + 1) & (in->slot_count - 1)) {
    symbol* s = in->slots[at];
    if (s->hash == hash && s->length == length && memcmp(s->name, name, length) == 0) return s;
  }
  symbol* s = malloc(sizeof *s + length + 1);
  if (!s) abort();
  s->hash = hash;
  s->uses = 0;
  s->length = length;
  memcpy(s->name, name, length + 1);
  in->slots[at] = s;
  in->used++;
  return s;
}

static interner names;

static uint64_t random_state = 42;
static uint32_t random_below(uint32_t n) {
  random_state = random_state * 2862933555777941757ULL + 3037000493ULL;
  return (uint32_t)((random_state >> 32) * n >> 32);
}

static char* read_file(uint32_t vocabulary, int words) {
  char* text = malloc((size_t)words * 72 + 1);
  if (!text) abort();
  size_t used = 0;
  for (int i = 0; i < words; ++i) {
    uint32_t w = random_below(vocabulary);
    used += (size_t)sprintf(text + used, "module_%u_function_%u_%.*s ", w % 31, w, (int)(w % 30),
                            "argument_checker_with_a_long_name");
  }
  return text;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "--scale") && ++i < argc)
      scale = atof(argv[i]);
    else if (!strcmp(argv[i], "--seconds") && ++i < argc)
      seconds = atof(argv[i]);
  }
  const int files = 240, words = (int)(3000 * scale);
  const uint32_t vocabulary = (uint32_t)(36000 * scale);
  uint64_t uses = 0;
  for (int file = 0; file < files; ++file) {
    char* text = read_file(vocabulary, words);
    for (char *word = text, *end; (end = strchr(word, ' ')) != NULL; word = end + 1) {
      /* A token of its own for each word, as lexers make them. */
      size_t length = (size_t)(end - word);
      char* token = malloc(length + 1);
      if (!token) abort();
      memcpy(token, word, length);
      token[length] = '\0';
      symbol* s = intern(&names, token, length);
      uses += ++s->uses;
      free(token);
    }
    free(text);
    usleep((useconds_t)(seconds * 1e6 / files));
  }
  printf("%zu identifiers, %llu\n", names.used, (unsigned long long)uses);
  return 0;
}

/* A key-value server with a small table of fixed size. Once in its life it imports a dump: all rows are read into
 * memory, sorted, and applied to the table; then the rows are freed and the allocator is told to give back its free
 * pages. It serves before and after. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE 4096u

struct dump_row {
  uint64_t key;
  size_t length;
  char value[];
};

static struct {
  uint64_t key;
  char value[24];
} table[TABLE];

static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static int compare(const void* left, const void* right) {
  uint64_t a = (*(struct dump_row*const*)left)->key, b = (*(struct dump_row*const*)right)->key;
  return (a > b) - (a < b);
}

static void apply(const struct dump_row* row) {
  unsigned slot = (unsigned)(row->key % TABLE);
  table[slot].key = row->key;
  snprintf(table[slot].value, sizeof table[slot].value, "%s", row->value);
}

static size_t serve(unsigned requests, uint64_t* clock) {
  size_t bytes = 0;
  while (requests--) {
    uint64_t key = mix(++*clock);
    char* reply = malloc(64 + key % 200);
    if (!reply) abort();
    int length = snprintf(reply, 64, "VALUE %llu %.23s\r\n", (unsigned long long)key, table[key % TABLE].value);
    bytes += (size_t)length;
    free(reply);
  }
  return bytes;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (char** a = argv + 1; a + 1 < argv + argc; a += 2) {
    if (strcmp(*a, "--scale") == 0) scale = atof(a[1]);
    if (strcmp(*a, "--seconds") == 0) seconds = atof(a[1]);
  }
  const unsigned rounds = 100, per_round = (unsigned)(3000 * scale);
  const size_t dump = (size_t)(160000 * scale);
  uint64_t clock = 0;
  size_t bytes = 0;
  struct dump_row** rows = NULL;
  size_t have = 0;
  for (unsigned round = 0; round < rounds; ++round) {
    bytes += serve(per_round, &clock);
    if (round == 20) {
      rows = calloc(dump, sizeof *rows);
      if (!rows) abort();
    }
    if (round >= 20 && round < 40) {
      for (size_t until = dump * (round - 19) / 20; have < until; ++have) {
        size_t length = 100 + mix(have) % 200;
        struct dump_row* row = malloc(sizeof *row + length);
        if (!row) abort();
        row->key = mix(have * 3);
        row->length = length;
        memset(row->value, 'v', length - 1);
        row->value[length - 1] = '\0';
        rows[have] = row;
      }
    }
    if (round == 40) {
      qsort(rows, have, sizeof *rows, compare);
      for (size_t i = 0; i < have; ++i) apply(rows[i]);
      for (size_t i = 0; i < have; ++i) free(rows[i]);
      free(rows);
      rows = NULL;
      malloc_trim(0);
    }
    usleep((useconds_t)(seconds * 1e6 / rounds));
  }
  printf("%zu bytes served\n", bytes);
  return 0;
}

/* A diff tool over the history of a file: each pair of versions is split into lines, compared by the longest common
 * subsequence, printed into a string, and freed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct text {
  char** lines;
  size_t count;
};

static unsigned long seed = 1974;

static unsigned rnd(unsigned limit) {
  seed = seed * 6364136223846793005ul + 1442695040888963407ul;
  return (unsigned)(seed >> 40) % limit;
}

static struct text make_version(size_t count, unsigned version) {
  struct text text = {malloc(count * sizeof(char*)), count};
  for (size_t i = 0; i < count; ++i) {
    unsigned edited = rnd(12) == 0 ? version : 0;
    char line[96];
    snprintf(line, sizeof line, "line %zu of the file%.*s revision %u", i, (int)(i % 40),
             "                                        ", edited);
    text.lines[i] = strdup(line);
  }
  return text;
}

static void free_text(struct text text) {
  for (size_t i = 0; i < text.count; ++i) free(text.lines[i]);
  free(text.lines);
}

static size_t compare(struct text before, struct text after) {
  size_t width = after.count + 1;
  unsigned short** table = malloc((before.count + 1) * sizeof *table);
  for (size_t i = 0; i <= before.count; ++i) table[i] = calloc(width, sizeof **table);
  for (size_t i = before.count; i-- > 0;) {
    for (size_t j = after.count; j-- > 0;) {
      unsigned short down = table[i + 1][j], right = table[i][j + 1];
      table[i][j] = strcmp(before.lines[i], after.lines[j]) == 0 ? (unsigned short)(table[i + 1][j + 1] + 1)
                    : down > right                               ? down
                                                                 : right;
    }
  }
  char* output = NULL;
  size_t length = 0;
  for (size_t i = 0, j = 0; i < before.count && j < after.count;) {
    if (strcmp(before.lines[i], after.lines[j]) == 0) {
      ++i, ++j;
      continue;
    }
    const char* line = table[i + 1][j] >= table[i][j + 1] ? before.lines[i++] : after.lines[j++];
    size_t more = strlen(line) + 3;
    output = realloc(output, length + more + 1);
    snprintf(output + length, more + 1, "> %s\n", line);
    length += more;
  }
  free(output);
  for (size_t i = 0; i <= before.count; ++i) free(table[i]);
  free(table);
  return length;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.7;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  const int rounds = 60;
  size_t total = 0;
  for (int round = 0; round < rounds; ++round) {
    int versions = (int)(4 * scale) + (int)rnd(3);
    for (int i = 0; i < versions; ++i) {
      struct text before = make_version(150 + rnd(250), 1);
      struct text after = make_version(150 + rnd(250), 2);
      total += compare(before, after);
      free_text(before);
      free_text(after);
    }
    struct timespec pause = {0, (long)(seconds * 1e9 / rounds)};
    nanosleep(&pause, NULL);
  }
  printf("%zu\n", total);
  return 0;
}

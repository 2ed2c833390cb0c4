/* A table viewer: after some idling it reads a whole file into one growing buffer, cuts it into cells that point into
 * the buffer, and from then on recalculates and redraws. The file stays in memory until the window is closed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct table {
  char* text;
  size_t length;
  char** cells;
  size_t cell_count, columns;
};

static void die(const char* what) {
  perror(what);
  exit(1);
}

static FILE* make_file(size_t rows) {
  FILE* file = tmpfile();
  if (!file) die("tmpfile");
  uint32_t x = 99;
  for (size_t row = 0; row < rows; ++row) {
    x = x * 69069u + 1u;
    fprintf(file, "%zu;customer number %08u;%u.%02u;%s;2024-%02u-%02u\n", row, x, x >> 20, x % 100,
            x & 64 ? "paid in full" : "open", x % 12 + 1, x % 28 + 1);
  }
  rewind(file);
  return file;
}

static void slurp(struct table* table, FILE* file) {
  size_t capacity = 0;
  for (;;) {
    if (table->length + 4096 > capacity) {
      capacity = capacity ? capacity * 2 : 65536;
      table->text = realloc(table->text, capacity);
      if (!table->text) die("realloc");
    }
    size_t got = fread(table->text + table->length, 1, 4096, file);
    if (got == 0) break;
    table->length += got;
  }
  table->text[table->length] = '\0';
}

static void cut(struct table* table) {
  size_t count = 0;
  for (size_t i = 0; i < table->length; ++i) count += table->text[i] == ';' || table->text[i] == '\n';
  table->cells = malloc((count + 1) * sizeof *table->cells);
  if (!table->cells) die("malloc");
  table->columns = 5;
  char* begin = table->text;
  for (char* at = table->text; *at; ++at) {
    if (*at != ';' && *at != '\n') continue;
    *at = '\0';
    table->cells[table->cell_count++] = begin;
    begin = at + 1;
  }
}

static double redraw(const struct table* table, size_t first_row) {
  double sum = 0;
  for (size_t row = first_row; row < first_row + 40; ++row) {
    const char* name = "(nothing loaded)";
    if ((row + 1) * table->columns <= table->cell_count && table->columns) {
      name = table->cells[row * table->columns + 1];
      sum += strtod(table->cells[row * table->columns + 2], NULL);
    }
    size_t width = strlen(name) + 30;
    char* line = malloc(width);
    if (!line) die("malloc");
    snprintf(line, width, "| %-20s | %7zu", name, row % 1000000);
    sum += line[2];
    free(line);
  }
  return sum;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; ++i) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  const size_t rows = (size_t)(150000 * scale);
  const int frames = 90;
  struct table table = {0};
  double sum = 0;
  for (int frame = 0; frame < frames; ++frame) {
    if (frame == 20) {
      FILE* file = make_file(rows);
      slurp(&table, file);
      fclose(file);
      cut(&table);
    }
    for (size_t i = 0; i < 60; ++i) sum += redraw(&table, (i * 7919 + (size_t)frame * 40) % (rows - 40));
    double pause = seconds / frames;
    struct timespec wait = {.tv_sec = (time_t)pause, .tv_nsec = (long)((pause - (double)(time_t)pause) * 1e9)};
    nanosleep(&wait, NULL);
  }
  printf("%zu cells, %.1f\n", table.cell_count, sum);
  free(table.cells);
  free(table.text);
  return 0;
}

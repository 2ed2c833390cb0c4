/* Extract, transform, load. Rows are taken over in small portions until a batch is complete; then the batch is
 * transformed, written, and dropped as a whole. What is left when the input ends is written by a function that runs at
 * exit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PORTIONS = 106, PORTIONS_IN_BATCH = 18 };

typedef struct {
  char* country;
  char* product;
  char* comment;
  double amount;
} row_t;

typedef struct {
  row_t** rows;
  size_t used, room;
} batch_t;

static batch_t batch;
static double grand_total;
static unsigned long lcg = 314159;

static unsigned roll(unsigned sides) {
  lcg = (lcg * 25214903917UL + 11UL) & 0xffffffffffffUL;
  return (unsigned)(lcg >> 20) % sides;
}

static char* text(const char* prefix, unsigned number, size_t width) {
  char* t = malloc(width);
  if (t == NULL) abort();
  memset(t, '.', width);
  int used = snprintf(t, width, "%s-%u", prefix, number);
  if ((size_t)used + 1 < width) t[used] = ' ';
  t[width - 1] = 0;
  return t;
}

static void extract(size_t count) {
  while (count-- > 0) {
    row_t* row = malloc(sizeof *row);
    if (row == NULL) abort();
    row->country = text("country", roll(190), 24);
    row->product = text("product", roll(100000), 48);
    const size_t width = 60 + roll(200);
    row->comment = text("comment", roll(1000000), width);
    row->amount = roll(100000) / 100.0;
    if (batch.used == batch.room) {
      batch.room = batch.room ? batch.room + batch.room / 2 : 64;
      batch.rows = realloc(batch.rows, batch.room * sizeof *batch.rows);
      if (batch.rows == NULL) abort();
    }
    batch.rows[batch.used++] = row;
  }
}

static int by_country(const void* a, const void* b) {
  return strcmp((*(row_t* const*)a)->country, (*(row_t* const*)b)->country);
}

static void transform_and_load(void) {
  qsort(batch.rows, batch.used, sizeof *batch.rows, by_country);
  for (size_t i = 0; i < batch.used; ++i) {
    row_t* row = batch.rows[i];
    char* statement = malloc(256 + strlen(row->comment));
    if (statement == NULL) abort();
    int length = sprintf(statement, "INSERT INTO sales VALUES ('%s', '%s', '%s', %.2f)", row->country, row->product,
                         row->comment, row->amount);
    grand_total += row->amount + length % 2;
    free(statement);
  }
  for (size_t i = 0; i < batch.used; ++i) {
    free(batch.rows[i]->country);
    free(batch.rows[i]->product);
    free(batch.rows[i]->comment);
    free(batch.rows[i]);
  }
  free(batch.rows);
  memset(&batch, 0, sizeof batch);
}

static void write_the_rest(void) {
  transform_and_load();
  printf("total %.2f\n", grand_total);
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strncmp(argv[i], "--sc", 4) == 0) scale = atof(argv[i + 1]);
    if (strncmp(argv[i], "--se", 4) == 0) seconds = atof(argv[i + 1]);
  }
  atexit(write_the_rest);
  for (int portion = 0; portion < PORTIONS; ++portion) {
    extract((size_t)(1500 * scale));
    if (portion % PORTIONS_IN_BATCH == PORTIONS_IN_BATCH - 1) transform_and_load();
    usleep((useconds_t)(seconds * 1e6 / PORTIONS));
  }
  return 0;
}

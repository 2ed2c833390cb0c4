// A payroll calculator: it fills its tables when it starts, then computes pay slips from them.
//
// The tables are made within the first few hundredths of its work, before the first slip, and never change; a slip
// leaves nothing behind. Ends with everything held.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define YEARS 12
#define CLASSES 6

typedef struct {
  int year, class;
  size_t rows;
  double** rows_of; /* four columns each */
} table;

static table tables[YEARS][CLASSES];

static void fill(table* t, int year, int class, size_t rows) {
  t->year = year;
  t->class = class;
  t->rows = rows;
  t->rows_of = malloc(rows * sizeof *t->rows_of);
  if (!t->rows_of) abort();
  for (size_t i = 0; i < rows; i++) {
    double* row = malloc(sizeof(double[4 * 24]));
    if (!row) abort();
    for (int column = 0; column < 4 * 24; column++) {
      row[column] = ((double)i * 12.5 + year) * (0.1 + 0.01 * class) + 0.125 * column;
    }
    t->rows_of[i] = row;
  }
}

static double slip(int employee, int month) {
  const table* t = &tables[month % YEARS][employee % CLASSES];
  char* lines[9];
  double sum = 0;
  for (int i = 0; i < 9; i++) {
    const double value = t->rows_of[(size_t)(employee * 7 + i * 131 + month) % t->rows][(i + month) % 96];
    lines[i] = malloc(80);
    if (!lines[i]) abort();
    snprintf(lines[i], 80, "%02d/%05d position %d: %12.2f", month, employee, i, value);
    sum += value;
  }
  size_t length = 0;
  for (int i = 0; i < 9; i++) {
    length += strlen(lines[i]);
    free(lines[i]);
  }
  return sum + (double)length;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) *(strcmp(argv[i], "--scale") ? &seconds : &scale) = atof(argv[i + 1]);
  for (int year = 0; year < YEARS; year++) {
    for (int class = 0; class < CLASSES; class ++)
      fill(&tables[year][class], 2010 + year, class, (size_t)(260 * scale));
  }
  double paid = 0;
  for (int month = 0; month < 60; month++) {
    for (int employee = 0; employee < (int)(1000 * scale); employee++) paid += slip(employee, month);
    usleep((useconds_t)(seconds / 60 * 1e6));
  }
  printf("paid %.2f\n", paid);
  return 0;
}

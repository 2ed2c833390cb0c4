// An exchange: at the opening a flood of orders comes in, nearly all of which are filled or cancelled soon; one in
// twenty-five is open until the end of the day.
//
// The open ones are spread over all the pages that the flood took, at least one on every page, so that the pages stay
// although hardly anything is left on them. Later orders are few and find room in the gaps.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 60
#define OPENING 12

typedef struct order {
  unsigned id, price, volume;
  char account[108];
} order;

static order** book;
static size_t booked;
static unsigned long turnover;

static order* place(unsigned id) {
  order* o = malloc(sizeof *o);
  if (!o) abort();
  o->id = id;
  o->price = 1000 + id * 7919u % 97;
  o->volume = 1 + id % 50;
  snprintf(o->account, sizeof o->account, "account %u", id * 16807u % 99991);
  return o;
}

static void settle(order* o) {
  turnover += (unsigned long)o->price * o->volume + (unsigned char)o->account[9];
  free(o);
}

static void open_market(size_t orders) {
  book = calloc(orders, sizeof *book);
  if (!book) abort();
  for (; booked < orders; booked++) book[booked] = place((unsigned)booked);
}

static void clear_market(void) {
  size_t open = 0;
  for (size_t i = 0; i < booked; i++) {
    if (i % 25 == 0) {
      book[open++] = book[i];
    } else {
      settle(book[i]);
    }
  }
  if (open == 0) return;
  order** shorter = realloc(book, open * sizeof *book);
  if (shorter) book = shorter;
  booked = open;
}

static void trade(unsigned count) {
  order* recent[32] = {0};
  for (unsigned i = 0; i < count; i++) {
    order** slot = &recent[i % 32];
    if (*slot) settle(*slot);
    *slot = place(i);
    turnover += book ? book[i % booked]->volume : 0;
  }
  for (int i = 0; i < 32; i++) {
    if (recent[i]) settle(recent[i]);
  }
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) *(strcmp(argv[i], "--scale") ? &seconds : &scale) = atof(argv[i + 1]);
  const struct timespec pause = {0, (long)(seconds / ROUNDS * 1e9)};
  for (int round = 0; round < ROUNDS; round++) {
    if (round == OPENING) open_market((size_t)(250000 * scale));
    if (round == OPENING + 6) clear_market();
    trade((unsigned)(8000 * scale));
    nanosleep(&pause, NULL);
  }
  printf("turnover %lu\n", turnover);
  return 0;
}

// A gate control: people come and go, and every passage is written to an audit trail, an intrusive list whose tail
// alone is ever touched. It marks the hours.
//
// The trail is never cut while the program works. It is freed completely when the program ends, which does not make the
// growth of its working life any smaller.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tidemark.h"

struct link {
  struct link *next, *previous;
};

#define OWNER_OF(pointer, type, member) ((type*)((char*)(pointer)-offsetof(type, member)))

struct passage {
  unsigned badge, gate;
  char* reason;
  struct link link;
};

static struct link trail = {&trail, &trail};
static unsigned inside;

static void append(struct link* link) {
  link->previous = trail.previous;
  link->next = &trail;
  trail.previous->next = link;
  trail.previous = link;
}

static void pass(unsigned number) {
  char* request = malloc(200);
  struct passage* passage = malloc(sizeof *passage);
  if (request == NULL || passage == NULL) abort();
  snprintf(request, 200, "badge %u at gate %u asks to pass, hour by hour, day by day", number * 69621u % 9973,
           number % 12);
  passage->badge = number * 69621u % 9973;
  passage->gate = number % 12;
  passage->reason = strdup(request);
  inside += passage->gate < 6;
  append(&passage->link);
  free(request);
}

static unsigned long close_books(void) {
  unsigned long sum = 0;
  while (trail.next != &trail) {
    struct passage* first = OWNER_OF(trail.next, struct passage, link);
    trail.next = first->link.next;
    trail.next->previous = &trail;
    sum += first->badge + strlen(first->reason);
    free(first->reason);
    free(first);
  }
  return sum;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  enum { kHours = 48 };
  const struct timespec pause = {0, (long)(seconds / kHours * 1e9)};
  const unsigned passages = (unsigned)(900 * scale);
  for (unsigned hour = 0; hour < kHours; ++hour) {
    char name[32];
    snprintf(name, sizeof name, "hour %u", hour);
    tidemark_mark(name);
    for (unsigned i = 0; i < passages; ++i) pass(hour * passages + i);
    nanosleep(&pause, NULL);
  }
  printf("inside %u, sum %lu\n", inside, close_books());
  return 0;
}

/* A DHCP server: leases of very different terms, in a doubly linked list for each term, oldest first, and options that
 * come with the request. A lease that ran out is freed when the clock passes it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TICKS 240
#define TERMS 5

struct lease {
  struct lease *next, *previous;
  int expires;
  unsigned address;
  size_t option_bytes;
  char* options;
};

static struct lease lists[TERMS]; /* heads */
static const int term_ticks[TERMS] = {3, 8, 15, 30, 55};
static unsigned random_word = 67;
static long granted, expired;

static unsigned rnd(unsigned limit) {
  random_word = random_word * 22695477u + 1u;
  return (random_word >> 12) % limit;
}

static void grant(int now) {
  unsigned term = rnd(TERMS);
  char* packet = malloc(576);
  memset(packet, 0, 576);
  unsigned client = rnd(1 << 18);
  int length = snprintf(packet, 576, "DISCOVER from %06x, vendor class %u", client, client % 9);
  struct lease* lease = malloc(sizeof *lease);
  lease->expires = now + term_ticks[term];
  lease->address = 0x0a000000u + rnd(1 << 18);
  lease->option_bytes = (size_t)length + 100 + rnd(500);
  lease->options = malloc(lease->option_bytes);
  memset(lease->options, packet[0], lease->option_bytes);
  free(packet);
  struct lease* head = &lists[term];
  lease->previous = head->previous;
  lease->next = head;
  head->previous->next = lease;
  head->previous = lease;
  ++granted;
}

static void expire(int now) {
  for (int term = 0; term < TERMS; ++term) {
    struct lease* head = &lists[term];
    while (head->next != head && head->next->expires <= now) {
      struct lease* lease = head->next;
      head->next = lease->next;
      lease->next->previous = head;
      free(lease->options);
      free(lease);
      ++expired;
    }
  }
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  for (int term = 0; term < TERMS; ++term) lists[term].next = lists[term].previous = &lists[term];
  for (int now = 0; now < TICKS; ++now) {
    expire(now);
    int requests = (int)(scale * (120 + rnd(240)));
    for (int i = 0; i < requests; ++i) grant(now);
    if (now % 4 == 0) nanosleep(&(struct timespec){0, (long)(seconds * 4e9 / TICKS)}, NULL);
  }
  printf("%ld granted, %ld expired\n", granted, expired);
  return 0;
}

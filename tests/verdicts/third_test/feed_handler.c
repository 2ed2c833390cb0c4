/* A handler of a trading feed: two threads apply orders to the books of their symbols. Orders come from a pool that
 * takes memory in slabs; filled orders go back to it, cancelled ones are only unlinked from the price level and stay in
 * the list of their book. The feed gets busier all day. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kMinutes = 50, kSymbols = 12, kThreads = 2, kSlab = 128 };

struct order {
  struct order* next;
  unsigned id;
  int price;
  int quantity;
  char client[40];
};

struct slab {
  struct slab* next;
  struct order orders[kSlab];
};

struct book {
  struct order* open;
  struct order* cancelled;
  long volume;
};

struct feed {
  pthread_t thread;
  unsigned random;
  int messages;
  struct slab* slabs;
  struct order* spare;
  struct book books[kSymbols];
};

static struct feed feeds[kThreads];

static unsigned roll(struct feed* feed) {
  feed->random = feed->random * 1103515245u + 12345u;
  return feed->random >> 10;
}

static struct order* take_order(struct feed* feed) {
  if (!feed->spare) {
    struct slab* slab = malloc(sizeof *slab);
    slab->next = feed->slabs;
    feed->slabs = slab;
    for (int i = 0; i < kSlab; ++i) {
      slab->orders[i].next = feed->spare;
      feed->spare = &slab->orders[i];
    }
  }
  struct order* order = feed->spare;
  feed->spare = order->next;
  return order;
}

static void apply(struct feed* feed) {
  char* message = malloc(80 + roll(feed) % 200); /* one line of the feed */
  unsigned sequence = roll(feed);
  int length = snprintf(message, 80, "N|%u|%u|", sequence, sequence % 1000);
  struct book* book = &feed->books[roll(feed) % kSymbols];
  struct order* order = take_order(feed);
  order->id = roll(feed);
  order->price = (int)(roll(feed) % 500);
  order->quantity = length;
  memset(order->client, 'c', sizeof order->client);
  order->next = book->open;
  book->open = order;
  if (roll(feed) % 2) {
    struct order* done = book->open;
    book->open = done->next;
    if (roll(feed) % 3 == 0) {
      done->next = book->cancelled;
      book->cancelled = done;
    } else {
      book->volume += done->quantity;
      done->next = feed->spare;
      feed->spare = done;
    }
  }
  while (book->open && book->open->next && roll(feed) % 8) { /* fills from the top */
    struct order* done = book->open;
    book->open = done->next;
    book->volume += done->quantity;
    done->next = feed->spare;
    feed->spare = done;
  }
  free(message);
}

static void* minute(void* argument) {
  struct feed* feed = argument;
  for (int i = 0; i < feed->messages; ++i) apply(feed);
  return NULL;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  for (int at = 0; at < kMinutes; ++at) {
    for (int i = 0; i < kThreads; ++i) {
      if (at == 0) feeds[i].random = 31u + (unsigned)i;
      feeds[i].messages = (int)(scale * (600 + 120 * at));
      pthread_create(&feeds[i].thread, NULL, minute, &feeds[i]);
    }
    for (int i = 0; i < kThreads; ++i) pthread_join(feeds[i].thread, NULL);
    struct timespec pause = {0, (long)(seconds * 1e9 / kMinutes)};
    nanosleep(&pause, NULL);
  }
  printf("%ld %ld\n", feeds[0].books[0].volume, feeds[1].books[1].volume);
  return 0;
}

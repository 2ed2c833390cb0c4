// A web server that compiles its templates when they are first asked for and keeps the compiled ones, a fixed number of
// them: the oldest goes when a new one comes.
//
// The cache takes two fifths of the run to fill, all the while growing evenly; after that its size stays.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct template {
  unsigned id;
  struct template* next_in_bucket;
  struct template* younger;
  size_t count;
  char* code[];
}
template;

enum { kBuckets = 2048, kRounds = 70, kInstructions = 16 };

static template* buckets[kBuckets];
static template *oldest, *youngest;
static size_t cached, capacity;

static template* compile(unsigned id) {
  template* made = malloc(sizeof *made + kInstructions * sizeof(char*));
  if (made == NULL) abort();
  made->id = id;
  made->count = kInstructions;
  made->younger = NULL;
  for (unsigned i = 0; i < kInstructions; ++i) {
    char text[160];
    snprintf(text, sizeof text, "print field %u of the record, then the text that follows it up to %u", id % 53,
             i * 80);
    made->code[i] = strdup(text);
  }
  return made;
}

static void drop_oldest(void) {
  template* gone = oldest;
  template** link = &buckets[gone->id % kBuckets];
  while (*link != gone) link = &(*link)->next_in_bucket;
  *link = gone->next_in_bucket;
  oldest = gone->younger;
  for (size_t i = 0; i < gone->count; ++i) free(gone->code[i]);
  free(gone);
  --cached;
}

static const template* look_up(unsigned id) {
  for (template* t = buckets[id % kBuckets]; t != NULL; t = t->next_in_bucket) {
    if (t->id == id) return t;
  }
  if (cached == capacity) drop_oldest();
  template* made = compile(id);
  made->next_in_bucket = buckets[id % kBuckets];
  buckets[id % kBuckets] = made;
  if (oldest == NULL) oldest = made;
  if (youngest != NULL) youngest->younger = made;
  youngest = made;
  ++cached;
  return made;
}

static size_t render(const template* t) {
  size_t length = 0;
  char* page = NULL;
  for (size_t i = 0; i < t->count; ++i) {
    const size_t more = strlen(t->code[i]);
    page = realloc(page, length + more + 1);
    if (page == NULL) abort();
    memcpy(page + length, t->code[i], more + 1);
    length += more;
  }
  if (page == NULL) return 0;
  length += (unsigned char)page[length / 2];
  free(page);
  return length;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) *(strcmp(argv[i], "--scale") == 0 ? &scale : &seconds) = atof(argv[i + 1]);
  const unsigned fresh_per_round = (unsigned)(150 * scale);
  capacity = (size_t)fresh_per_round * (kRounds * 2 / 5);
  const struct timespec pause = {0, (long)(seconds / kRounds * 1e9)};
  size_t sent = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned i = 0; i < fresh_per_round * 5; ++i) {
      // Four requests of five are for what was asked for before, the last few rounds' templates mostly.
      const unsigned newest = round * fresh_per_round + i / 5;
      sent += render(look_up(i % 5 == 0 || newest < 1000 ? newest : newest - i * 7919u % 1000));
    }
    nanosleep(&pause, NULL);
  }
  printf("sent %zu\n", sent);
  return 0;
}

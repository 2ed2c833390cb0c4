/* A job queue. A job that fails stays on the list of retries; every sweep tries all of that list again, and notes for
 * each attempt what went wrong. No job is ever given up, so that each sweep writes more notes than the one before. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

struct list {
  struct list *prev, *next;
};

struct note {
  struct list link;
  int sweep;
  char message[];
};

struct job {
  struct list link;
  struct list notes;
  uint64_t id;
  char kind[16];
};

static struct list retries = {&retries, &retries};

static void push_back(struct list* head, struct list* item) {
  item->prev = head->prev;
  item->next = head;
  head->prev->next = item;
  head->prev = item;
}

static void add_note(struct job* job, int sweep, const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  struct note* note = malloc(sizeof *note + (size_t)length + 1);
  if (!note) exit(1);
  note->sweep = sweep;
  memcpy(note->message, text, (size_t)length + 1);
  push_back(&job->notes, &note->link);
}

/* What a job does: some temporary work on a copy of its input. */
static unsigned run(const struct job* job) {
  size_t size = 400 + job->id * 37 % 900;
  unsigned char* input = malloc(size);
  unsigned* histogram = calloc(64, sizeof *histogram);
  if (!input || !histogram) exit(1);
  for (size_t i = 0; i < size; ++i) input[i] = (unsigned char)(job->id + i * i);
  for (size_t i = 0; i < size; ++i) histogram[input[i] & 63]++;
  unsigned top = 0;
  for (int i = 0; i < 64; ++i) top = histogram[i] > top ? histogram[i] : top;
  free(histogram);
  free(input);
  return top;
}

static unsigned sweep_retries(int sweep) {
  unsigned attempts = 0;
  for (struct list* at = retries.next; at != &retries; at = at->next) {
    struct job* job = (struct job*)at; /* link is its first member */
    unsigned top = run(job);
    add_note(job, sweep, "sweep %d: %s job %llu: connection to storage-%u refused after %u ms, top %u", sweep,
             job->kind, (unsigned long long)job->id, (unsigned)(job->id % 17), (unsigned)(30 + job->id % 400), top);
    ++attempts;
  }
  return attempts;
}

int main(int argc, char* argv[]) {
  double scale = 1, seconds = 0.7;
  while (argc > 2) {
    if (strcmp(argv[argc - 2], "--scale") == 0) scale = atof(argv[argc - 1]);
    if (strcmp(argv[argc - 2], "--seconds") == 0) seconds = atof(argv[argc - 1]);
    argc -= 2;
  }
  enum { SWEEPS = 60 };
  const int failing = (int)(20 * scale), passing = (int)(1200 * scale);
  uint64_t id = 0;
  unsigned attempts = 0, sum = 0;
  for (int sweep = 0; sweep < SWEEPS; ++sweep) {
    for (int i = 0; i < failing + passing; ++i) {
      struct job* job = malloc(sizeof *job);
      if (!job) exit(1);
      job->id = ++id;
      job->notes.prev = job->notes.next = &job->notes;
      strcpy(job->kind, id % 2 ? "resize" : "transcode");
      sum += run(job);
      if (i < failing) {
        push_back(&retries, &job->link);
      } else {
        free(job);
      }
    }
    attempts += sweep_retries(sweep);
    double pause = seconds / SWEEPS;
    struct timeval wait = {(long)pause, (long)((pause - (double)(long)pause) * 1e6)};
    select(0, NULL, NULL, NULL, &wait);
  }
  printf("%u attempts, %u\n", attempts, sum);
  return 0;
}

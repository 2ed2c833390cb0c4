/* A mail client opens a big mailbox: each message's header text is read, and every fifth begins a thread, which gets a
 * small record. When threading is done the header texts go, the records stay; then the user searches. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct thread {
  struct thread* next;
  uint32_t first_message, length;
  char subject[40];
};

static char** headers;
static size_t header_count;
static struct thread* threads;
static uint32_t thread_count;
static double scale = 1, seconds = 0.9;
static uint32_t seed = 822;

static uint32_t next_random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

static void read_header(void) {
  size_t size = 250 + next_random() % 500;
  char* text = malloc(size);
  memset(text, 'h', size);
  snprintf(text, size, "Subject: about %u", next_random() % 5000);
  headers[header_count] = text;
  if (header_count % 5 == 0) {
    struct thread* thread = malloc(sizeof *thread);
    thread->first_message = (uint32_t)header_count;
    thread->length = 5;
    snprintf(thread->subject, sizeof thread->subject, "%.30s", text + 9);
    thread->next = threads;
    threads = thread;
    thread_count++;
  }
  header_count++;
}

static void drop_headers(void) {
  for (size_t i = 0; i < header_count; i++) free(headers[i]);
  free(headers);
  headers = NULL;
}

static unsigned search(uint32_t number) {
  char* pattern = malloc(32);
  snprintf(pattern, 32, "about %u", number);
  unsigned found = 0;
  for (const struct thread* thread = threads; thread; thread = thread->next)
    if (strcmp(thread->subject, pattern) == 0) found += thread->length;
  free(pattern);
  return found;
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  enum { kRounds = 80, kReading = 20, kDrop = 26 };
  size_t messages = (size_t)(70000 * scale);
  headers = malloc(messages * sizeof *headers);
  unsigned found = 0;
  for (int round = 0; round < kRounds; round++) {
    if (round < kReading)
      while (header_count < messages * (size_t)(round + 1) / kReading) read_header();
    if (round == kDrop) drop_headers();
    for (int i = 0; i < 5; i++) found += search(next_random() % 5000);
    double pause = seconds / kRounds;
    struct timespec time = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
    nanosleep(&time, NULL);
  }
  printf("%u threads, %u found\n", thread_count, found);
  return 0;
}

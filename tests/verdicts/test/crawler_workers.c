/* A web crawler that starts a few threads for each host and joins them. A thread keeps its decoding buffer behind a key
 * of its own, and the key was created without a destructor, so that the buffer outlives the thread. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 3
#define HOSTS 70

static pthread_key_t decode_key;
static size_t decode_capacity;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t links_found;

/* The set of pages that were seen, with a place for each of the last 8192 only. */
static unsigned seen_pages[8192];

struct job {
  int host;
  int first_page, pages;
};

static char* decode_buffer(void) {
  char* buffer = pthread_getspecific(decode_key);
  if (buffer == NULL) {
    buffer = malloc(decode_capacity);
    if (buffer == NULL) abort();
    pthread_setspecific(decode_key, buffer);
  }
  return buffer;
}

static size_t fetch(int host, int page) {
  char* url;
  char* body = malloc(2500);
  if (body == NULL || asprintf(&url, "https://host%d.example/page/%d?session=abcdef", host, page) < 0) abort();
  size_t used = 0;
  for (int i = 0; used < 2400; ++i) used += (size_t)sprintf(body + used, "<a href='/page/%d'>%d</a>", page + i, i);
  char* decoded = decode_buffer();
  size_t out = 0, links = 0;
  for (size_t i = 0; i < used && out < decode_capacity; ++i) {
    if (body[i] == '<') links += body[i + 1] == 'a';
    decoded[out++] = body[i] == '\'' ? '"' : body[i];
  }
  pthread_mutex_lock(&lock);
  seen_pages[(unsigned)(host * 977 + page) % 8192] = (unsigned)(out + strlen(url));
  links_found += links;
  pthread_mutex_unlock(&lock);
  free(body);
  free(url);
  return links;
}

static void* work(void* argument) {
  struct job* job = argument;
  for (int page = 0; page < job->pages; ++page) fetch(job->host, job->first_page + page);
  free(job);
  return NULL;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--scale") && i + 1 < argc) scale = strtod(argv[++i], NULL);
    if (!strcmp(argv[i], "--seconds") && i + 1 < argc) seconds = strtod(argv[++i], NULL);
  }
  decode_capacity = (size_t)(18000 * scale);
  pthread_key_create(&decode_key, NULL);
  for (int host = 0; host < HOSTS; ++host) {
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; ++i) {
      struct job* job = malloc(sizeof *job);
      if (job == NULL) abort();
      *job = (struct job){host, i * 1000, 25};
      if (pthread_create(&threads[i], NULL, work, job) != 0) abort();
    }
    for (int i = 0; i < WORKERS; ++i) pthread_join(threads[i], NULL);
    usleep((useconds_t)(seconds * 1e6 / HOSTS));
  }
  printf("%zu links\n", links_found);
  return 0;
}

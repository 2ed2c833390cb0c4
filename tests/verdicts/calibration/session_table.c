// A login server: sessions are opened, used, and closed by a timer wheel eight ticks after they were opened.
//
// As many are closed as are opened once the first ones are old enough, so that the table stays as large as the traffic
// of eight ticks.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct session {
  struct session* next;
  unsigned id;
  char* user;
  unsigned char* keys;
};

#define TICKS 72
#define LIFETIME 8
#define KEY_BYTES 700

static struct session* wheel[LIFETIME];
static unsigned long closed, used;

static void open_session(unsigned id, unsigned tick) {
  struct session* s = malloc(sizeof *s);
  char name[64];
  if (!s) abort();
  s->id = id;
  snprintf(name, sizeof name, "user-%u@department-%u.example.org", id * 16807u % 65537, id % 17);
  s->user = strdup(name);
  s->keys = malloc(KEY_BYTES);
  if (!s->user || !s->keys) abort();
  for (unsigned i = 0; i < KEY_BYTES; i++) s->keys[i] = (unsigned char)(id * i >> 3);
  s->next = wheel[tick % LIFETIME];
  wheel[tick % LIFETIME] = s;
}

static void expire(unsigned tick) {
  struct session* s = wheel[tick % LIFETIME];
  wheel[tick % LIFETIME] = NULL;
  while (s) {
    struct session* next = s->next;
    closed += s->id & 1;
    free(s->keys);
    free(s->user);
    free(s);
    s = next;
  }
}

static void use_sessions(void) {
  for (unsigned slot = 0; slot < LIFETIME; slot++) {
    for (struct session* s = wheel[slot]; s; s = s->next) {
      if (s->id % 8 != slot) continue;
      char* token = malloc(96);
      if (!token) abort();
      snprintf(token, 96, "%s/%02x%02x", s->user, s->keys[3], s->keys[s->id % KEY_BYTES]);
      used += strlen(token);
      free(token);
    }
  }
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  const unsigned logins = (unsigned)(1000 * scale);
  const struct timespec pause = {0, (long)(seconds / TICKS * 1e9)};
  for (unsigned tick = 0; tick < TICKS; tick++) {
    expire(tick);
    for (unsigned i = 0; i < logins; i++) open_session(tick * logins + i, tick);
    use_sessions();
    nanosleep(&pause, NULL);
  }
  printf("closed %lu, used %lu\n", closed, used);
  return 0;
}

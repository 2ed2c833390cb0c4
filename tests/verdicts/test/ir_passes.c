/* The middle of a compiler: for each function it builds values with their lists of uses, runs passes, and releases the
 * function. A pass that renumbers begins by emptying all lists of uses, which it does by forgetting their heads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct use use;
typedef struct value value;

struct use {
  value* user;
  unsigned operand;
  use* next;
};

struct value {
  unsigned opcode, number;
  value* operands[2];
  use* uses;
  value* next_in_function;
};

typedef struct {
  char* name;
  value* first;
  value** order;
  size_t count;
} function;

static unsigned long long state = 0x853c49e6748fea9bULL;
static unsigned pick(unsigned n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)((state >> 20) % n);
}

static void* need(size_t size) {
  void* block = malloc(size);
  if (block == NULL) exit(3);
  return block;
}

static void link_uses(function* f) {
  for (value* v = f->first; v; v = v->next_in_function) {
    for (unsigned i = 0; i < 2; ++i) {
      if (!v->operands[i]) continue;
      use* u = need(sizeof *u);
      *u = (use){v, i, v->operands[i]->uses};
      v->operands[i]->uses = u;
    }
  }
}

static function* build(const char* name, size_t count) {
  function* f = need(sizeof *f);
  f->name = strcpy(need(strlen(name) + 1), name);
  f->count = count;
  f->order = need(count * sizeof *f->order);
  f->first = NULL;
  for (size_t i = 0; i < count; ++i) {
    value* v = need(sizeof *v);
    memset(v, 0, sizeof *v);
    v->opcode = pick(60);
    for (unsigned k = 0; k < 2 && i > 4; ++k) v->operands[k] = f->order[pick((unsigned)i)];
    v->next_in_function = f->first;
    f->first = f->order[i] = v;
  }
  link_uses(f);
  return f;
}

static void renumber(function* f) {
  unsigned number = 0;
  for (value* v = f->first; v; v = v->next_in_function) v->uses = NULL;
  for (size_t i = 0; i < f->count; ++i) f->order[i]->number = number++;
  link_uses(f);
}

static size_t count_dead(const function* f) {
  size_t dead = 0;
  unsigned char* seen = need(f->count);
  memset(seen, 0, f->count);
  for (size_t i = f->count; i-- > 0;) {
    for (const use* u = f->order[i]->uses; u; u = u->next) seen[i] |= u->user->opcode < 40;
    dead += !seen[i];
  }
  free(seen);
  return dead;
}

static void release(function* f) {
  for (value *v = f->first, *next; v; v = next) {
    next = v->next_in_function;
    for (use *u = v->uses, *after; u; u = after) {
      after = u->next;
      free(u);
    }
    free(v);
  }
  free(f->order);
  free(f->name);
  free(f);
}

int main(int argc, char** argv) {
  double scale = 1.0, seconds = 0.7;
  for (int i = 1; i < argc - 1; ++i) {
    if (strcmp(argv[i], "--scale") == 0) sscanf(argv[i + 1], "%lf", &scale);
    if (strcmp(argv[i], "--seconds") == 0) sscanf(argv[i + 1], "%lf", &seconds);
  }
  enum { FUNCTIONS = 140 };
  size_t dead = 0;
  for (int n = 0; n < FUNCTIONS; ++n) {
    char name[32];
    snprintf(name, sizeof name, "_ZN4unit8functionE%d", n);
    function* f = build(name, (size_t)(scale * (500 + pick(400))));
    dead += count_dead(f);
    if (n % 2) {
      renumber(f);
      dead += count_dead(f);
    }
    release(f);
    struct timespec nap = {0, (long)(seconds / FUNCTIONS * 1e9)};
    if (nap.tv_nsec >= 1000000000L) nap = (struct timespec){(time_t)(seconds / FUNCTIONS), 0};
    nanosleep(&nap, NULL);
  }
  printf("%zu dead values\n", dead);
  exit(0);
}

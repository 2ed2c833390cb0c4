/* A reverse proxy: parses requests, picks an upstream, relays, answers. A request whose Content-Length is no number is
 * refused, and the refusal forgets the headers that were parsed up to there: about one request in fifteen. */
#include <ctype.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct header {
  char* name;
  char* value;
  struct header* next;
};

struct request {
  char* path;
  struct header* headers;
  long content_length;
};

struct route {
  char prefix[32];
  char upstream[64];
  unsigned long hits;
};

static uint32_t seed = 20431;
static unsigned next_random(unsigned below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static char* copy_range(const char* begin, const char* end) {
  size_t length = (size_t)(end - begin);
  char* copy = malloc(length + 1);
  if (!copy) abort();
  memcpy(copy, begin, length);
  copy[length] = '\0';
  return copy;
}

static void free_request(struct request* request) {
  struct header* header = request->headers;
  while (header) {
    struct header* next = header->next;
    free(header->name);
    free(header->value);
    free(header);
    header = next;
  }
  free(request->path);
  free(request);
}

static struct request* parse_request(const char* text) {
  struct request* request = calloc(1, sizeof *request);
  if (!request) abort();
  const char* line = strchr(text, '\n');
  request->path = copy_range(text + 4, line);
  for (++line; *line != '\n'; line = strchr(line, '\n') + 1) {
    const char* colon = strchr(line, ':');
    const char* end = strchr(line, '\n');
    struct header* header = malloc(sizeof *header);
    if (!header) abort();
    header->name = copy_range(line, colon);
    header->value = copy_range(colon + 2, end);
    header->next = request->headers;
    request->headers = header;
    if (strcmp(header->name, "Content-Length") == 0) {
      if (!isdigit((unsigned char)header->value[0])) {
        free(request->path);
        free(request);
        return NULL;
      }
      request->content_length = strtol(header->value, NULL, 10);
    }
  }
  return request;
}

static void write_wire_text(char* out) {
  int headers = 7 + (int)next_random(5);
  unsigned tenant = next_random(400);
  out += sprintf(out, "GET /tenant%u/item/%u\n", tenant, next_random(100000));
  for (int i = 0; i < headers; ++i) {
    int width = 40 + (int)next_random(90);
    out += sprintf(out, "X-Header-%d: ", i);
    memset(out, 'a' + i, (size_t)width);
    out += width;
    *out++ = '\n';
  }
  if (next_random(15) == 0) {
    out += sprintf(out, "Content-Length: many\n");
  } else {
    out += sprintf(out, "Content-Length: %u\n", 200 + next_random(3000));
  }
  sprintf(out, "\n");
}

static unsigned long relay(const struct request* request, struct route* routes, size_t count) {
  char* body = malloc((size_t)request->content_length + 1);
  if (!body) abort();
  memset(body, 'b', (size_t)request->content_length);
  size_t length = strlen(request->path);
  struct route* route = &routes[(length * 31 + (unsigned char)request->path[length - 1]) % count];
  route->hits++;
  unsigned long sum = (unsigned char)body[request->content_length / 2] + route->hits;
  free(body);
  return sum;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  const int rounds = 60;
  size_t route_count = (size_t)(5000 * scale) + 1;
  struct route* routes = calloc(route_count, sizeof *routes);
  if (!routes) abort();
  for (size_t i = 0; i < route_count; ++i) {
    sprintf(routes[i].prefix, "/tenant%zu/", i);
    sprintf(routes[i].upstream, "10.0.%zu.%zu:8080", i / 250, i % 250);
  }
  unsigned long sum = 0, refused = 0;
  char wire[4096];
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < (int)(150 * scale); ++i) {
      write_wire_text(wire);
      struct request* request = parse_request(wire);
      if (!request) {
        ++refused;
        continue;
      }
      sum += relay(request, routes, route_count);
      free_request(request);
    }
    poll(NULL, 0, (int)(seconds * 1000 / rounds));
  }
  printf("%lu refused, checksum %lu\n", refused, sum);
  free(routes);
  return 0;
}

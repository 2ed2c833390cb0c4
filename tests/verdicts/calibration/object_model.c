// A document server with counted references in C: an element holds its children, and a child its parent.
//
// Giving back the root only lowers its count from children + 1 to children: the document keeps itself alive. Documents
// without children, half of all, are freed as they should.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct element {
  int references;
  int child_count;
  struct element* parent;
  struct element** children;
  char text[96];
} element;

static int live;

static element* element_retain(element* self) {
  ++self->references;
  return self;
}

static void element_release(element* self) {
  if (--self->references > 0) return;
  for (int i = 0; i < self->child_count; ++i) element_release(self->children[i]);
  free(self->children);
  if (self->parent) element_release(self->parent);
  free(self);
  --live;
}

static element* element_new(element* parent, int number) {
  element* self = calloc(1, sizeof(element));
  if (self == NULL) abort();
  ++live;
  self->references = 1;
  snprintf(self->text, sizeof self->text, "element %d of the document that a client asked for", number);
  if (parent == NULL) return self;
  self->parent = element_retain(parent);
  element** grown = realloc(parent->children, (size_t)(parent->child_count + 1) * sizeof(element*));
  if (grown == NULL) abort();
  parent->children = grown;
  parent->children[parent->child_count++] = self;
  return self;
}

static size_t render(const element* self, char** page, size_t length) {
  const size_t needed = strlen(self->text) + 8;
  char* grown = realloc(*page, length + needed + 1);
  if (grown == NULL) abort();
  *page = grown;
  length += (size_t)sprintf(*page + length, "<p>%s</p>", self->text);
  for (int i = 0; i < self->child_count; ++i) length = render(self->children[i], page, length);
  return length;
}

static size_t answer(int request) {
  element* document = element_new(NULL, request);
  if (request % 2 == 0) {
    for (int i = 0; i < 4; ++i) {
      element* section = element_new(document, i);
      element_new(section, 100 + i);
      element_new(section, 200 + i);
    }
  }
  char* page = NULL;
  const size_t length = render(document, &page, 0);
  free(page);
  element_release(document);
  return length;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = strtod(argv[i + 1], NULL);
    if (strcmp(argv[i], "--seconds") == 0) seconds = strtod(argv[i + 1], NULL);
  }
  const int rounds = 60;
  size_t sent = 0;
  for (int round = 0; round < rounds; ++round) {
    for (int request = 0; request < (int)(100 * scale); ++request) sent += answer(request);
    usleep((useconds_t)(seconds / rounds * 1e6));
  }
  printf("sent %zu\n", sent);
  return EXIT_SUCCESS;
}

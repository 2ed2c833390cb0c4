/* A document tree with reference counts, as a scripting engine keeps one: a parent counts a reference to each child,
 * and a child that a script has touched counts one to its parent. Closing a page gives up the script's references to
 * nodes, but not those that the nodes took to their parents. Half of the pages have scripts. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kMaxChildren = 6 };

typedef struct Node {
  int references;
  int child_count;
  int wrapped; /* by a script: holds the parent */
  struct Node* parent;
  struct Node* children[kMaxChildren];
  char* text;
} Node;

static long nodes_made, nodes_gone;
static unsigned random_state = 77;

static unsigned random_below(unsigned limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state % limit;
}

static Node* node_retain(Node* node) {
  ++node->references;
  return node;
}

static void node_release(Node* node) {
  assert(node->references > 0);
  if (--node->references > 0) return;
  for (int i = 0; i < node->child_count; ++i) {
    if (!node->children[i]->wrapped) node->children[i]->parent = NULL;
    node_release(node->children[i]);
  }
  if (node->wrapped && node->parent) node_release(node->parent);
  free(node->text);
  free(node);
  ++nodes_gone;
}

static Node* node_new(const char* tag, unsigned length) {
  Node* node = calloc(1, sizeof *node);
  if (!node) abort();
  node->references = 1;
  node->text = malloc(length + 24);
  if (!node->text) abort();
  memset(node->text, 'x', length + 24);
  snprintf(node->text, length + 24, "<%s>%*u", tag, (int)length, length);
  ++nodes_made;
  return node;
}

static void node_append(Node* parent, Node* child) {
  parent->children[parent->child_count++] = child;
  child->parent = parent;
}

/* A random tree of `count` nodes. */
static Node* parse_page(unsigned count, Node** nodes) {
  nodes[0] = node_new("html", 10);
  for (unsigned made = 1; made < count; ++made) {
    Node* parent;
    do parent = nodes[random_below(made)];
    while (parent->child_count == kMaxChildren);
    nodes[made] = node_new(made % 3 ? "p" : "div", 20 + random_below(120));
    node_append(parent, nodes[made]);
  }
  return nodes[0];
}

static void run_scripts(Node** nodes, unsigned count) {
  for (unsigned i = 1; i < count; ++i) {
    if (random_below(3) != 0 || nodes[i]->wrapped) continue;
    nodes[i]->wrapped = 1;
    node_retain(nodes[i]->parent);
  }
}

static size_t render(const Node* node, int depth) {
  size_t length = strlen(node->text);
  char* line = malloc(length + (size_t)depth + 1);
  if (!line) abort();
  memset(line, ' ', (size_t)depth);
  memcpy(line + depth, node->text, length + 1);
  length = strlen(line);
  free(line);
  for (int i = 0; i < node->child_count; ++i) length += render(node->children[i], depth + 1);
  return length;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.75;
  for (int i = 1; i + 1 < argc; i += 2) {
    double* target = strcmp(argv[i], "--scale") == 0 ? &scale : strcmp(argv[i], "--seconds") == 0 ? &seconds : NULL;
    if (!target || sscanf(argv[i + 1], "%lf", target) != 1) return 2;
  }
  const int kPages = 160;
  size_t rendered = 0;
  for (int page = 0; page < kPages; ++page) {
    const unsigned count = (unsigned)((60 + random_below(80)) * scale);
    Node** nodes = calloc(count, sizeof *nodes);
    if (!nodes) abort();
    Node* root = parse_page(count, nodes);
    if (page % 2 == 1) run_scripts(nodes, count);
    for (int frame = 0; frame < 8; ++frame) rendered += render(root, 0);
    free(nodes);
    node_release(root);
    usleep((unsigned)(seconds * 1e6 / kPages));
  }
  printf("rendered %zu, %ld nodes made\n", rendered, nodes_made);
  return nodes_gone > nodes_made;
}

// A database front end: it parses queries into trees, plans them and keeps the last few hundred statements prepared.
//
// A syntax error deep inside an expression returns NULL through the recursive descent, and the operands parsed so far
// are dropped on the way: whole trees whose heads were in local variables only. About one query in ten is malformed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kRounds = 50, kPrepared = 256 };

typedef struct node {
  char op;
  char* literal;
  struct node *left, *right;
} node;

static const char* cursor;
static unsigned seed = 7;
static node* prepared[kPrepared];

static unsigned next_random(void) { return (seed = seed * 1664525u + 1013904223u) >> 8; }

static node* make_node(char op, node* left, node* right) {
  node* made = malloc(sizeof *made);
  if (made == NULL) abort();
  *made = (node){op, NULL, left, right};
  return made;
}

static void free_tree(node* tree) {
  if (tree == NULL) return;
  free_tree(tree->left);
  free_tree(tree->right);
  free(tree->literal);
  free(tree);
}

static node* parse_sum(void);

static node* parse_factor(void) {
  if (*cursor == '(') {
    ++cursor;
    node* inside = parse_sum();
    if (inside == NULL || *cursor != ')') return NULL;
    ++cursor;
    return inside;
  }
  const size_t length = strspn(cursor, "abcdefghijklmnopqrstuvwxyz0123456789_");
  if (length == 0) return NULL;
  node* leaf = make_node('v', NULL, NULL);
  leaf->literal = strndup(cursor, length);
  cursor += length;
  return leaf;
}

static node* parse_product(void) {
  node* left = parse_factor();
  while (left != NULL && *cursor == '*') {
    ++cursor;
    node* right = parse_factor();
    if (right == NULL) return NULL;  // NOLINT(clang-analyzer-unix.Malloc): this is the leak
    left = make_node('*', left, right);
  }
  return left;
}

static node* parse_sum(void) {
  node* left = parse_product();
  while (left != NULL && *cursor == '+') {
    ++cursor;
    node* right = parse_product();
    if (right == NULL) return NULL;  // NOLINT(clang-analyzer-unix.Malloc): this is the leak
    left = make_node('+', left, right);
  }
  return left;
}

static size_t weigh(const node* tree) {
  if (tree == NULL) return 0;
  return 1 + (tree->literal ? strlen(tree->literal) : 0) + weigh(tree->left) + weigh(tree->right);
}

// A query of 24 columns in groups; a malformed one lacks its last operand.
static void write_query(char* text, int malformed) {
  for (int i = 0; i < 24; ++i) {
    if (i % 6 == 0) *text++ = '(';
    const unsigned table = next_random() % 90;  // apart: the order of arguments is the compiler's
    text += sprintf(text, "table_%u_column_%u_of_the_schema", table, next_random() % 900);
    if (i % 6 == 5) *text++ = ')';
    *text++ = i % 5 == 3 ? '*' : '+';
  }
  if (!malformed) --text;
  *text = '\0';
}

static size_t serve(unsigned number) {
  char* text = malloc(4096);
  if (text == NULL) abort();
  write_query(text, number % 10 == 9);
  cursor = text;
  node* tree = parse_sum();
  const size_t weight = weigh(tree);
  if (tree != NULL) {
    node** slot = &prepared[number % kPrepared];
    free_tree(*slot);
    *slot = tree;
  }
  free(text);
  return weight;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.5;
  for (int i = 1; i + 1 < argc; i += 2) *(strcmp(argv[i], "--scale") == 0 ? &scale : &seconds) = atof(argv[i + 1]);
  const struct timespec pause = {0, (long)(seconds / kRounds * 1e9)};
  const unsigned queries = (unsigned)(400 * scale);
  size_t total = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned i = 0; i < queries; ++i) total += serve(round * queries + i);
    nanosleep(&pause, NULL);
  }
  printf("parsed %zu\n", total);
  return 0;
}

/* A bot that answers with what a small expression comes to: each message is read into a tree, the tree is evaluated and
 * the answer is written; nothing outlives the message. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct node {
  char operator;
  long value;
  struct node *left, *right;
};

static uint32_t seed = 54321;

static uint32_t next_random(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}

static char* compose(int terms) {
  char* text = malloc((size_t)terms * 8 + 8);
  size_t length = 0;
  for (int i = 0; i < terms; i++) {
    unsigned value = next_random() % 1000;
    length += (size_t)sprintf(text + length, "%u%c", value, "+-*"[next_random() % 3]);
  }
  text[length - 1] = 0;
  return text;
}

static struct node* new_node(char operator, long value, struct node* left, struct node* right) {
  struct node* node = malloc(sizeof *node);
  *node = (struct node){operator, value, left, right};
  return node;
}

static struct node* read_term(const char** at) {
  long value = 0;
  while (isdigit((unsigned char)**at)) value = value * 10 + *(*at)++ - '0';
  struct node* term = new_node('#', value, NULL, NULL);
  if (**at == '*') {
    ++*at;
    term = new_node('*', 0, term, read_term(at));
  }
  return term;
}

static struct node* read_sum(const char** at) {
  struct node* sum = read_term(at);
  while (**at == '+' || **at == '-') {
    char operator= *(*at)++;
    sum = new_node(operator, 0, sum, read_term(at));
  }
  return sum;
}

static uint64_t evaluate(const struct node* node) {
  switch (node->operator) {
    case '#':
      return (uint64_t)node->value;
    case '*':
      return evaluate(node->left) * evaluate(node->right);
    case '+':
      return evaluate(node->left) + evaluate(node->right);
    default:
      return evaluate(node->left) - evaluate(node->right);
  }
}

static void free_tree(struct node* node) {
  if (!node) return;
  free_tree(node->left);
  free_tree(node->right);
  free(node);
}

static uint64_t answer(int terms) {
  char* message = compose(terms);
  const char* at = message;
  struct node* tree = read_sum(&at);
  uint64_t value = evaluate(tree);
  char* text = malloc(64);
  snprintf(text, 64, "that is %llu", (unsigned long long)value);
  value += strlen(text);
  free(text);
  free_tree(tree);
  free(message);
  return value;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  enum { kRounds = 100 };
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) {
    int messages = 1 + (int)(next_random() % 4);
    for (int i = 0; i < messages; i++) sum += answer((int)((500 + next_random() % 8000) * scale));
    double pause = seconds / kRounds * (round % 25 == 0 ? 4 : 0.875);
    struct timespec time = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
    nanosleep(&time, NULL);
  }
  printf("%llx\n", (unsigned long long)sum);
  return 0;
}

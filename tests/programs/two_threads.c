// two_threads [ROUNDS]: two threads that build and drop lists of their own and hand some on to one another through a
// queue. What they print depends on nothing but ROUNDS. The last line is "counts ALLOCATIONS FREES" of both.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
  struct node* next;
  long value;
};

struct queue {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  struct node* first;
  int closed;
};

struct side {
  struct queue *in, *out;
  long rounds, allocations, frees, sum, received;
};

static void put(struct queue* queue, struct node* list) {
  pthread_mutex_lock(&queue->lock);
  list->next = queue->first;
  queue->first = list;
  pthread_cond_signal(&queue->filled);
  pthread_mutex_unlock(&queue->lock);
}

static void* work(void* data) {
  struct side* side = data;
  for (long round = 0; round < side->rounds; ++round) {
    struct node* list = NULL;
    for (long i = 0; i < round % 20 + 1; ++i) {
      struct node* node = malloc(sizeof(*node) + (size_t)(i * 8));
      ++side->allocations;
      node->next = list;
      node->value = round + i;
      list = node;
    }
    // One goes to the other side, the rest ends here.
    struct node* gift = list;
    list = list->next;
    put(side->out, gift);
    while (list != NULL) {
      struct node* next = list->next;
      side->sum += list->value;
      free(list);
      ++side->frees;
      list = next;
    }
  }
  pthread_mutex_lock(&side->out->lock);
  side->out->closed = 1;
  pthread_cond_signal(&side->out->filled);
  pthread_mutex_unlock(&side->out->lock);
  for (;;) {
    pthread_mutex_lock(&side->in->lock);
    while (side->in->first == NULL && !side->in->closed) pthread_cond_wait(&side->in->filled, &side->in->lock);
    struct node* list = side->in->first;
    side->in->first = NULL;
    const int closed = side->in->closed;
    pthread_mutex_unlock(&side->in->lock);
    if (list == NULL && closed) return NULL;
    while (list != NULL) {
      struct node* next = list->next;
      side->sum += list->value;
      ++side->received;
      free(list);
      ++side->frees;
      list = next;
    }
  }
}

int main(int argument_count, char** arguments) {
  const long rounds = argument_count > 1 ? atol(arguments[1]) : 10000;
  struct queue queues[2] = {{PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0},
                            {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0}};
  struct side sides[2] = {{&queues[0], &queues[1], rounds, 0, 0, 0, 0}, {&queues[1], &queues[0], rounds, 0, 0, 0, 0}};
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i)
    if (pthread_create(&threads[i], NULL, work, &sides[i]) != 0) return 1;
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  printf("sum %ld received %ld\n", sides[0].sum + sides[1].sum, sides[0].received + sides[1].received);
  printf("counts %ld %ld\n", sides[0].allocations + sides[1].allocations, sides[0].frees + sides[1].frees);
  return 0;
}

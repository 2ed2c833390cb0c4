// A bookkeeping service: accounts are loaded at the start, then transactions are booked on them.
//
// After six tenths of the run its mirror goes away; from then on every transaction is kept for the replay when the
// mirror is back, which it never is, in an array grown by realloc.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACCOUNTS 4000
#define ROUNDS 64

typedef struct {
  char owner[120];
  int64_t balance;
} account_t;

typedef struct {
  uint32_t from, to;
  int64_t amount;
  char* memo;
} transaction_t;

static struct {
  account_t* accounts[ACCOUNTS];
  transaction_t** replay;
  size_t replay_count, replay_capacity;
  int mirror_up;
} service = {.mirror_up = 1};

static void* checked(void* block) {
  if (block == NULL) {
    fputs("out of memory\n", stderr);
    exit(1);
  }
  return block;
}

static void open_accounts(void) {
  for (uint32_t i = 0; i < ACCOUNTS; i++) {
    service.accounts[i] = checked(malloc(sizeof(account_t)));
    snprintf(service.accounts[i]->owner, sizeof service.accounts[i]->owner, "owner number %u", i);
    service.accounts[i]->balance = 1000;
  }
}

static void keep_for_replay(transaction_t* transaction) {
  if (service.replay_count == service.replay_capacity) {
    service.replay_capacity = service.replay_capacity ? service.replay_capacity * 3 / 2 : 64;
    service.replay = checked(realloc(service.replay, service.replay_capacity * sizeof *service.replay));
  }
  service.replay[service.replay_count++] = transaction;
}

static int send_to_mirror(transaction_t* transaction) {
  if (!service.mirror_up) return 0;
  free(transaction->memo);
  free(transaction);
  return 1;
}

static void book(uint32_t number) {
  transaction_t* transaction = checked(malloc(sizeof *transaction));
  transaction->from = number * 2654435761u % ACCOUNTS;
  transaction->to = (number * 40503u + 17) % ACCOUNTS;
  transaction->amount = number % 211;
  transaction->memo = checked(malloc(300));
  snprintf(transaction->memo, 300, "transaction %u: %s gives %s an amount", number,
           service.accounts[transaction->from]->owner, service.accounts[transaction->to]->owner);
  service.accounts[transaction->from]->balance -= transaction->amount;
  service.accounts[transaction->to]->balance += transaction->amount;
  if (!send_to_mirror(transaction)) keep_for_replay(transaction);
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.7;
  for (int i = 1; i + 1 < argc; i += 2) *(!strcmp(argv[i], "--scale") ? &scale : &seconds) = atof(argv[i + 1]);
  open_accounts();
  const uint32_t per_round = (uint32_t)(700 * scale);
  const struct timespec pause = {0, (long)(seconds / ROUNDS * 1e9)};
  for (uint32_t round = 0; round < ROUNDS; round++) {
    if (round == ROUNDS * 6 / 10) service.mirror_up = 0;
    for (uint32_t i = 0; i < per_round; i++) book(round * per_round + i);
    nanosleep(&pause, NULL);
  }
  int64_t total = 0;
  for (uint32_t i = 0; i < ACCOUNTS; i++) total += service.accounts[i]->balance * (i % 3);
  printf("total %lld\n", (long long)total);
  return 0;
}

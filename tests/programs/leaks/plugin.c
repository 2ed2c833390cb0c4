// A plugin that holds blocks in a static variable, in thread-local storage, and in blocks of its own.
#include <stdlib.h>
#include <string.h>

struct entry {
  struct entry* next;
  char data[192];
};

// Volatile: nobody reads them, and a compiler would leave them out.
static struct entry* volatile entries;
static __thread struct entry* volatile thread_entries;

static struct entry* list_of(int count) {
  struct entry* list = NULL;
  for (int i = 0; i < count; ++i) {
    struct entry* made = malloc(sizeof(struct entry));
    if (made == NULL) abort();
    memset(made, 0x5a, sizeof(struct entry));
    made->next = list;
    list = made;
  }
  return list;
}

void plugin_fill(int count) { entries = list_of(count); }

void plugin_fill_thread(int count) { thread_entries = list_of(count); }

void plugin_forget_thread(void) { thread_entries = NULL; }

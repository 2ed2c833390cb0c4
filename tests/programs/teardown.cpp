// teardown [exit]: allocates before main (constructors of static objects and a constructor function), in main, and
// after it (atexit handlers, destructors of static objects, a destructor function), and returns from main or calls
// exit. Prints at the end of main, and last of all, "counts ALLOCATIONS FREES" so far.
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

long allocations = 0, frees = 0;

template <class T>
T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

void* get(size_t size) {
  ++allocations;
  return opaque(malloc(size));
}
void put(void* block) {
  ++frees;
  free(block);
}

void say_counts(const char* when) {
  char line[100];
  const int size = snprintf(line, sizeof(line), "%s: counts %ld %ld\n", when, allocations, frees);
  if (write(1, line, static_cast<size_t>(size)) != size) _exit(9);
}

struct Static {
  void* blocks[100];
  Static() {
    for (void*& block : blocks) block = get(50);
  }
  ~Static() {
    for (void*& block : blocks) put(block);
    for (int i = 0; i < 30; ++i) put(get(60));
    say_counts("static destructor");
  }
} object;

__attribute__((constructor(101))) void before_main() {
  for (int i = 0; i < 10; ++i) put(get(70));
}

__attribute__((destructor(101))) void after_all() {
  for (int i = 0; i < 5; ++i) put(get(80));
  say_counts("destructor function");
}

void at_exit() {
  for (int i = 0; i < 7; ++i) put(get(90));
  say_counts("atexit handler");
}

}  // namespace

int main(int argument_count, char** arguments) {
  atexit(at_exit);
  void* kept[20];
  for (void*& block : kept) block = get(1000);
  for (int i = 0; i < 15; ++i) put(kept[i]);
  say_counts("main");
  if (argument_count > 1 && strcmp(arguments[1], "exit") == 0) exit(3);
  return 4;
}

// Hooks on threads: where their stacks are, and what they are called. A thread gets a state of the recorder's only with
// its first event, so threads that never allocate cost nothing.
#include <pthread.h>

#include "preload/export.h"
#include "preload/next_functions.h"
#include "preload/recorder.h"
#include "preload/slow_heap.h"
#include "preload/snapshot_linux.h"

using namespace tidemark;

namespace tidemark {
namespace {

struct Start {
  void* (*function)(void*);
  void* argument;
  size_t stack_bytes;
  std::atomic<uintptr_t>* pending;  // where snapshots find the argument meanwhile
};

// The thread's control block lies at the top of its stack, so its address and the stack's size give the bounds.
void* thread_starts(void* data) {
  const Start start = *static_cast<Start*>(data);
  slow_heap::release(data);
  const auto top = reinterpret_cast<uintptr_t>(pthread_self());
  thread_stack = {top - start.stack_bytes, top};
  // libc keeps the argument in the thread's control block as long as the thread lives, and a program's leak checkers
  // find it there; for us this frame does. (No tail call: the frame must stay.)
  void* volatile argument = start.argument;
  PendingArguments::release(start.pending);
  void* const result = start.function(argument);
  argument = nullptr;
  return result;
}

}  // namespace
}  // namespace tidemark

TIDEMARK_EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*function)(void*),
                                   void* argument) {
  need_next_functions();
  if (!recording()) return next.pthread_create(thread, attributes, function, argument);
  auto* start = static_cast<Start*>(slow_heap::allocate(sizeof(Start)));
  if (start == nullptr) return next.pthread_create(thread, attributes, function, argument);
  *start = {function, argument, 0, pending_arguments.keep(argument)};
  pthread_attr_t defaults;
  if (attributes != nullptr) {
    pthread_attr_getstacksize(attributes, &start->stack_bytes);
  } else if (pthread_attr_init(&defaults) == 0) {
    pthread_attr_getstacksize(&defaults, &start->stack_bytes);
    pthread_attr_destroy(&defaults);
  }
  const int error = next.pthread_create(thread, attributes, thread_starts, start);
  if (error != 0) {
    PendingArguments::release(start->pending);
    slow_heap::release(start);
  }
  return error;
}

TIDEMARK_EXPORT int pthread_setname_np(pthread_t thread, const char* name) {
  need_next_functions();
  const int error = next.pthread_setname_np(thread, name);
  if (error == 0 && recording() && thread == pthread_self()) {
    if (ThreadState* state = enter(TIDEMARK_CALLER().sp); state != nullptr) {
      state->update_name();
      leave(state);
    }
  }
  return error;
}

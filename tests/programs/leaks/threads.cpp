// Shapes whose holder is a thread that is still there, or not yet, when main returns. Its pointer lies on its stack, in
// a register, in its thread-local storage, or in what pthread_create and pthread_join keep for it. The leaking twins
// have the same threads, without the pointer.
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "shapes.h"

namespace leaks {
namespace {

constexpr int kThreads = 6;
constexpr std::size_t kBlock = 400;

sem_t ready;
// A block on its way to the thread that will be its only holder.
void* handed_over[kThreads];
bool keep;

[[gnu::noinline]] void start_threads(void* (*function)(void*), bool fixed, const pthread_attr_t* attributes = nullptr) {
  keep = fixed;
  sem_init(&ready, 0, 0);
  for (int i = 0; i < kThreads; ++i) {
    handed_over[i] = take(kBlock);
    pthread_t thread{};
    if (pthread_create(&thread, attributes, function, &handed_over[i]) != 0) std::abort();
  }
}

// Waits until every thread has said that it is about to sleep, and some more until it does.
[[gnu::noinline]] void await_threads() {
  for (int i = 0; i < kThreads; ++i) sem_wait(&ready);
  usleep(20'000);
}

// The thread's block, which only the caller has now; null in the leaking twin.
[[gnu::noinline]] void* take_over(void* argument) {
  auto** from = static_cast<void**>(argument);
  void* block = *from;
  *from = nullptr;
  return keep ? block : nullptr;
}

[[gnu::noinline]] void sleep_forever() {
  sem_post(&ready);
  for (;;) pause();
}

// --- on the stack of a thread that sleeps in a system call

enum class Call { kRead, kFutex, kEpollWait, kPoll, kNanosleep };

template <Call kCall>
[[gnu::noinline]] void sleep_in() {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  sem_post(&ready);
  char byte = 0;
  std::uint32_t word = 0;
  epoll_event event{};
  pollfd wanted = {ends[0], POLLIN, 0};
  const timespec long_time = {1'000'000, 0};
  const int epoll = kCall == Call::kEpollWait ? epoll_create1(0) : -1;
  for (;;) {
    switch (kCall) {
      case Call::kRead:
        if (read(ends[0], &byte, 1) == 1) std::abort();
        break;
      case Call::kFutex:
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
        break;
      case Call::kEpollWait:
        epoll_wait(epoll, &event, 1, -1);
        break;
      case Call::kPoll:
        poll(&wanted, 1, -1);
        break;
      case Call::kNanosleep:
        nanosleep(&long_time, nullptr);
        break;
    }
  }
}

template <Call kCall>
void* hold_on_stack(void* argument) {
  void* volatile own = take_over(argument);
  scrub();
  sleep_in<kCall>();
  return own;
}

template <Call kCall, bool kKeep>
void sleeper() {
  start_threads(hold_on_stack<kCall>, kKeep);
  await_threads();
}

// --- every signal blocked

void* hold_with_signals_blocked(void* argument) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  void* volatile own = take_over(argument);
  scrub();
  sleep_forever();
  return own;
}

template <bool kKeep>
void blocked_signals() {
  start_threads(hold_with_signals_blocked, kKeep);
  await_threads();
}

// --- in a register alone: of a thread that runs, and of one that sleeps in a call of its own

std::atomic<int> in_register;

#if defined(__x86_64__)
#define TAKE_INTO_REGISTER    \
  "mov (%[from]), %%r13\n\t"  \
  "movq $0, (%[from])\n\t"    \
  "test %[keep], %[keep]\n\t" \
  "jnz 1f\n\t"                \
  "xor %%r13d, %%r13d\n"      \
  "1: lock incl (%[counter])\n\t"

void* hold_in_running_register(void* argument) {
  asm volatile(TAKE_INTO_REGISTER
               "2: pause\n\t"
               "jmp 2b"
               :
               : [from] "r"(argument), [keep] "r"(static_cast<int>(keep)), [counter] "r"(&in_register)
               : "r13", "memory", "cc");
  return nullptr;
}

void* hold_in_sleeping_register(void* argument) {
  asm volatile(
      TAKE_INTO_REGISTER
      "2: mov %[pause], %%eax\n\t"
      "syscall\n\t"
      "jmp 2b"
      :
      : [from] "r"(argument), [keep] "r"(static_cast<int>(keep)), [counter] "r"(&in_register), [pause] "i"(SYS_pause)
      : "r13", "rax", "rcx", "r11", "memory", "cc");
  return nullptr;
}
#else
#error "the register shapes are written for x86-64"
#endif

template <void* (*kFunction)(void*), bool kKeep>
void in_registers() {
  start_threads(kFunction, kKeep);
  while (in_register.load() < kThreads) usleep(1000);
  usleep(20'000);
}

// --- thread-local storage of another thread

// Volatile: nobody reads it, and a compiler would leave it out.
thread_local void* volatile own_holder;

void* hold_in_own_tls(void* argument) {
  own_holder = take_over(argument);
  scrub();
  sleep_forever();
  return nullptr;
}

template <bool kKeep>
void tls_of_thread() {
  start_threads(hold_in_own_tls, kKeep);
  await_threads();
}

template <unsigned kKeys>
void* hold_by_own_key(void* argument) {
  pthread_key_t key = 0;
  while (key < kKeys) {
    if (pthread_key_create(&key, nullptr) != 0) std::abort();
  }
  pthread_setspecific(key, take_over(argument));
  scrub();
  sleep_forever();
  return nullptr;
}

template <bool kKeep>
void keys_of_thread() {
  start_threads(hold_by_own_key<40>, kKeep);
  await_threads();
}

// --- the argument of pthread_create: of a thread that never looks at it, and of threads that may not have begun

void* ignore_argument(void*) {
  sleep_forever();
  return nullptr;
}

[[gnu::noinline]] void start_with_argument(bool fixed, bool wait) {
  sem_init(&ready, 0, 0);
  for (int i = 0; i < kThreads; ++i) {
    void* block = take(kBlock);
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, ignore_argument, fixed ? block : nullptr) != 0) std::abort();
  }
  if (wait) await_threads();
}

template <bool kKeep>
void thread_argument() {
  start_with_argument(kKeep, true);
}

// On one processor with a higher priority than the threads to come, where that is allowed: they cannot begin before
// main sleeps. Elsewhere they begin when they like, and the shape is what it is.
template <bool kKeep>
void thread_not_started() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof one, &one);
  const sched_param priority = {10};
  sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority);
  start_with_argument(kKeep, false);
}

// --- the result of a thread that ended and that nobody joined

void* return_block(void* argument) {
  void* block = take_over(argument);
  scrub();
  sem_post(&ready);
  return block;
}

template <bool kKeep>
void unjoined_result() {
  start_threads(return_block, kKeep);
  await_threads();
}

// The thread is gone and its result forgotten; its stack, which the C library keeps for later, is no holder.
void* leave_block(void* argument) {
  forget(take_over(argument));
  scrub();
  return nullptr;
}

template <bool kRelease>
void ended_thread() {
  keep = true;
  for (int i = 0; i < kThreads; ++i) {
    handed_over[i] = take(kBlock);
    if (kRelease) std::free(handed_over[i]);
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, leave_block, &handed_over[i]) != 0) std::abort();
    pthread_join(thread, nullptr);
  }
}

// --- a thread that runs on a stack of its own making

struct Coroutine {
  ucontext_t thread;
  ucontext_t self;
  void* argument;
};
thread_local Coroutine coroutine;

void run_coroutine() { hold_on_stack<Call::kPoll>(coroutine.argument); }

void* switch_to_coroutine(void* argument) {
  constexpr std::size_t kStack = 256 << 10;
  coroutine.argument = argument;
  getcontext(&coroutine.self);
  coroutine.self.uc_stack.ss_sp = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  coroutine.self.uc_stack.ss_size = kStack;
  makecontext(&coroutine.self, run_coroutine, 0);
  swapcontext(&coroutine.thread, &coroutine.self);
  return nullptr;
}

template <bool kKeep>
void coroutines() {
  start_threads(switch_to_coroutine, kKeep);
  await_threads();
}

// --- a thread in a signal handler that has a stack of its own, while the pointer lies on the interrupted one

void sleep_in_handler(int) { sleep_forever(); }

void* hold_below_handler(void* argument) {
  void* volatile own = take_over(argument);
  scrub();
  stack_t alternate{};
  alternate.ss_size = 64 << 10;
  alternate.ss_sp = mmap(nullptr, alternate.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_handler = sleep_in_handler;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, nullptr);
  pthread_kill(pthread_self(), SIGUSR1);
  return own;
}

template <bool kKeep>
void signal_stacks() {
  start_threads(hold_below_handler, kKeep);
  await_threads();
}

constexpr std::size_t kBytes = kThreads * kBlock;
constexpr Shape kShapes[] = {
    {"stack_in_read", sleeper<Call::kRead, false>, sleeper<Call::kRead, true>, kThreads, kBytes},
    {"stack_in_futex", sleeper<Call::kFutex, false>, sleeper<Call::kFutex, true>, kThreads, kBytes},
    {"stack_in_epoll_wait", sleeper<Call::kEpollWait, false>, sleeper<Call::kEpollWait, true>, kThreads, kBytes},
    {"stack_in_poll", sleeper<Call::kPoll, false>, sleeper<Call::kPoll, true>, kThreads, kBytes},
    {"stack_in_nanosleep", sleeper<Call::kNanosleep, false>, sleeper<Call::kNanosleep, true>, kThreads, kBytes},
    {"signals_blocked", blocked_signals<false>, blocked_signals<true>, kThreads, kBytes},
    {"register_running", in_registers<hold_in_running_register, false>, in_registers<hold_in_running_register, true>,
     kThreads, kBytes},
    {"register_sleeping", in_registers<hold_in_sleeping_register, false>, in_registers<hold_in_sleeping_register, true>,
     kThreads, kBytes},
    {"tls_of_thread", tls_of_thread<false>, tls_of_thread<true>, kThreads, kBytes},
    {"pthread_key_of_thread", keys_of_thread<false>, keys_of_thread<true>, kThreads, kBytes},
    {"thread_argument", thread_argument<false>, thread_argument<true>, kThreads, kBytes},
    {"thread_not_started", thread_not_started<false>, thread_not_started<true>, kThreads, kBytes},
    {"unjoined_result", unjoined_result<false>, unjoined_result<true>, kThreads, kBytes},
    {"ended_thread", ended_thread<false>, ended_thread<true>, kThreads, kBytes},
    {"coroutine", coroutines<false>, coroutines<true>, kThreads, kBytes, Kind::kPlain, "takes the left stack for dead"},
    {"signal_stack", signal_stacks<false>, signal_stacks<true>, kThreads, kBytes},
};

}  // namespace

std::span<const Shape> thread_shapes() { return kShapes; }

}  // namespace leaks

// unwind_stress ROUNDS [SECTION...]: everything that makes stacks hard to follow, each with allocations inside. Run in
// checking mode, every stack is unwound twice and compared. Prints the allocations that it made itself per section (its
// runtime libraries make more: thread stacks, exceptions, the loader), the same in every run.
//
// Sections: exceptions signals altstack timer coroutines longjmp alloca realign recursion plugin plugins threads
// sibling.
#include <alloca.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

#define NOINLINE __attribute__((noinline))

thread_local uint64_t own_allocations = 0;

// Keeps a value alive, so that nothing is optimized away.
template <class T>
inline void keep(T const& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

NOINLINE void* allocate(size_t size) {
  ++own_allocations;
  void* block = malloc(size);
  keep(block);
  return block;
}

NOINLINE void touch(size_t size) {
  void* block = allocate(size);
  asm volatile("" ::: "memory");  // no tail call
  free(block);
  asm volatile("" ::: "memory");
}

// --- exceptions: thrown through frames with destructors, caught at several depths, rethrown

struct Holder {
  void* block;
  explicit Holder(size_t size) : block(allocate(size)) {}
  ~Holder() { free(block); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
};

NOINLINE int throws(int depth) {
  Holder holder(24 + static_cast<size_t>(depth) * 8);
  keep(holder);
  if (depth == 0) throw std::runtime_error("stress");
  return throws(depth - 1) + 1;
}

NOINLINE int catches(int depth) {
  Holder holder(40);
  try {
    return throws(depth);
  } catch (const std::runtime_error&) {
    touch(100);
    if (depth % 3 == 0) throw;
  }
  return depth;
}

void exceptions(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    try {
      keep(catches(i % 17));
    } catch (const std::exception&) {
      touch(64);
    }
  }
}

// --- signals: the handler allocates only where the interrupted code says that it is not inside malloc

volatile sig_atomic_t may_allocate = 0;
volatile sig_atomic_t signals_seen = 0;

NOINLINE void handler_work(int depth) {
  if (depth > 0) {
    handler_work(depth - 1);
    asm volatile("" ::: "memory");
    return;
  }
  touch(200);
}

void handler(int) {
  signals_seen = signals_seen + 1;
  if (may_allocate != 0) handler_work(static_cast<int>(signals_seen % 5));
}

void install(int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(SIGUSR1, &action, nullptr);
  sigaction(SIGALRM, &action, nullptr);
}

NOINLINE void interrupted(int depth) {
  char pad[64];
  memset(pad, depth, sizeof(pad));
  keep(pad);
  if (depth > 0) {
    interrupted(depth - 1);
    keep(pad);
    return;
  }
  may_allocate = 1;
  raise(SIGUSR1);
  may_allocate = 0;
  touch(32);
}

// A fault in the middle of a function: an exact pc, not a return address.
sigjmp_buf fault_return;
void fault_handler(int) {
  touch(80);
  siglongjmp(fault_return, 1);
}

NOINLINE void faults(volatile int* where) {
  char pad[48];
  keep(pad);
  *where = 1;
  keep(pad);
}

void signals(int rounds) {
  install(0);
  struct sigaction action = {};
  action.sa_handler = fault_handler;
  sigaction(SIGSEGV, &action, nullptr);
  for (int i = 0; i < rounds; ++i) {
    interrupted(i % 13);
    if (sigsetjmp(fault_return, 1) == 0) faults(nullptr);
    touch(48);
  }
  signal(SIGSEGV, SIG_DFL);
}

// A timer interrupts plain code anywhere, in the middle of prologues and epilogues too.
NOINLINE int plain(int depth, int value) {
  if (depth == 0) return value;
  int mixed[6];
  for (int i = 0; i < 6; ++i) mixed[i] = plain(depth - 1 - i % 2 * (depth > 1), value * 31 + i);
  return mixed[value & 3] + mixed[5];
}

void timer(int rounds) {
  for (int flags : {0, SA_ONSTACK}) {
    install(flags | SA_RESTART);
    const itimerval interval = {{0, 50}, {0, 50}};
    setitimer(ITIMER_REAL, &interval, nullptr);
    may_allocate = 1;
    for (const int until = signals_seen + rounds; signals_seen < until;) keep(plain(6, signals_seen));
    may_allocate = 0;
    const itimerval off = {};
    setitimer(ITIMER_REAL, &off, nullptr);
  }
  own_allocations = 0;  // as many as there were signals
}

void altstack(int rounds) {
  static char memory[65536];
  stack_t stack = {};
  stack.ss_sp = memory;
  stack.ss_size = sizeof(memory);
  sigaltstack(&stack, nullptr);
  install(SA_ONSTACK);
  for (int i = 0; i < rounds; ++i) interrupted(i % 13);
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, nullptr);
  install(0);
}

// --- coroutines on mapped stacks, which are unmapped when the coroutine is done

ucontext_t main_context, coroutine_context;

NOINLINE void coroutine_work(int depth) {
  touch(static_cast<size_t>(16 + depth * 16));
  if (depth > 0) {
    coroutine_work(depth - 1);
    touch(24);
    return;
  }
  swapcontext(&coroutine_context, &main_context);
  touch(56);
}

void coroutine_main() { coroutine_work(static_cast<int>(own_allocations % 9)); }

void coroutines(int rounds) {
  constexpr size_t kStack = 64 << 10;
  static int i;  // getcontext returns twice
  for (i = 0; i < rounds; ++i) {
    void* stack = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) abort();
    getcontext(&coroutine_context);
    coroutine_context.uc_stack.ss_sp = stack;
    coroutine_context.uc_stack.ss_size = kStack;
    coroutine_context.uc_link = &main_context;
    makecontext(&coroutine_context, coroutine_main, 0);
    swapcontext(&main_context, &coroutine_context);
    touch(72);
    if (i % 2 == 0) swapcontext(&main_context, &coroutine_context);  // others are dropped half-way
    munmap(stack, kStack);
    touch(88);
  }
}

// --- longjmp out of deep recursion

jmp_buf jump;

NOINLINE void jumps(int depth) {
  touch(static_cast<size_t>(8 + depth));
  if (depth == 0) longjmp(jump, 1);
  if (depth > 0) jumps(depth - 1);
  asm volatile("" ::: "memory");
}

void longjmps(int rounds) {
  static volatile int round;
  for (round = 0; round < rounds;) {
    const int now = round;
    round = now + 1;
    if (setjmp(jump) == 0) jumps(now % 23);
    touch(104);
  }
}

// --- alloca, and frames realigned by over-aligned locals, alone and together

NOINLINE void with_alloca(int depth, size_t size) {
  char* area = static_cast<char*>(alloca(size));
  memset(area, depth, size);
  keep(area);
  touch(size);
  if (depth > 0) with_alloca(depth - 1, size * 3 % 1999 + 8);
  keep(area);
}

void allocas(int rounds) {
  for (int i = 0; i < rounds; ++i) with_alloca(i % 11, static_cast<size_t>(i % 301 + 8));
}

NOINLINE void aligned_frame(int depth, size_t size) {
  alignas(64) char area[192];
  memset(area, depth, sizeof(area));
  keep(area);
  if ((reinterpret_cast<uintptr_t>(area) & 63) != 0) abort();
  touch(size);
  if (depth > 0) {
    if (depth % 2 == 0)
      aligned_frame(depth - 1, size + 8);
    else
      with_alloca(depth - 1, size);
  }
  keep(area);
}

NOINLINE void aligned_alloca_frame(int depth, size_t size, int a, int b, int c, int d, int e, int f) {
  alignas(128) char area[128];
  char* more = static_cast<char*>(alloca(size));
  memset(more, depth, size);
  memset(area, depth, sizeof(area));
  keep(area);
  keep(more);
  touch(size);
  if (depth > 0) {
    aligned_alloca_frame(depth - 1, size * 5 % 701 + 16, b, c, d, e, f, a);
    aligned_frame(depth - 1, size);
  }
  keep(area);
  keep(more);
}

void realign(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    aligned_frame(i % 9, 16);
    aligned_alloca_frame(i % 4, static_cast<size_t>(i % 97 + 16), 1, 2, 3, 4, 5, 6);
  }
}

// --- frames that a row cannot describe: the frame address hangs on rbx, so that the slow unwinder must help

#ifdef __x86_64__
extern "C" void odd_frame(void (*function)(size_t), size_t argument);
asm(R"(
  .text
  .globl odd_frame
  .type odd_frame, @function
odd_frame:
  .cfi_startproc
  pushq %rbx
  .cfi_def_cfa_offset 16
  .cfi_offset %rbx, -16
  movq %rsp, %rbx
  .cfi_def_cfa_register %rbx
  subq $96, %rsp
  andq $-64, %rsp
  movq %rdi, %rax
  movq %rsi, %rdi
  call *%rax
  movq %rbx, %rsp
  .cfi_def_cfa_register %rsp
  popq %rbx
  .cfi_def_cfa_offset 8
  ret
  .cfi_endproc
  .size odd_frame, . - odd_frame
)");

NOINLINE void odd_touch(size_t size) {
  touch(size);
  if (size % 16 != 0) odd_frame(odd_touch, size - 1);
  touch(size + 8);
}

void odd_frames(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    odd_frame(touch, 48);
    odd_frame(odd_touch, static_cast<size_t>(i % 13 + 33));
    touch(56);
  }
}
#else
void odd_frames(int) {}
#endif

// --- recursion, with allocations on the way down and up; two functions of different frame sizes in turn

NOINLINE int odd(int depth);
NOINLINE int even(int depth) {
  char pad[40];
  keep(pad);
  if (depth % 64 == 0) touch(16);
  const int result = depth == 0 ? 0 : odd(depth - 1) + 1;
  if (depth % 97 == 0) touch(48);
  keep(pad);
  return result;
}
NOINLINE int odd(int depth) {
  if (depth % 63 == 0) touch(32);
  const int result = depth == 0 ? 0 : even(depth - 1) + 1;
  keep(result);
  return result;
}

void recursion(int rounds) {
  for (int i = 0; i < rounds / 50 + 1; ++i) keep(even(100 + i * 37 % 3000));
}

// --- a plugin that comes and goes, and allocates in its constructor, its function and its destructor

std::string plugin_path(const char* self, char which) {
  const std::string path = self;
  return path.substr(0, path.rfind('/') + 1) + "libunwind_plugin_" + which + ".so";
}

const char* own_path = "";

// Opens a plugin, works in it several times, closes it.
void visit_plugin(char which, int calls, int depth) {
  const std::string path = plugin_path(own_path, which);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
  auto* work = reinterpret_cast<int (*)(int, void (*)(size_t))>(dlsym(library, "plugin_work"));
  for (int call = 0; call < calls; ++call) keep(work(call + depth, touch));
  dlclose(library);
}

// Two plugins of different code turn up at the same addresses.
void plugin(int rounds) {
  for (int i = 0; i < rounds / 10 + 1; ++i) {
    visit_plugin(i % 2 == 0 ? 'a' : 'b', 6, i % 5);
    touch(120);
  }
}

// The same in two threads at once: one's plugin comes where the other's was a moment ago.
void plugins(int rounds) {
  uint64_t counts[2] = {};
  std::thread workers[2];
  for (int worker = 0; worker < 2; ++worker)
    workers[worker] = std::thread([worker, rounds, &counts] {
      for (int i = 0; i < rounds / 10 + 1; ++i) visit_plugin(worker == 0 ? 'a' : 'b', 4, i % 3);
      counts[worker] = own_allocations;
    });
  for (int worker = 0; worker < 2; ++worker) {
    workers[worker].join();
    own_allocations += counts[worker];
  }
}

// --- threads, each with a stack of its own

void threads(int rounds) {
  for (int i = 0; i < rounds / 100 + 1; ++i) {
    uint64_t counts[4] = {};
    std::thread workers[4];
    for (int worker = 0; worker < 4; ++worker)
      workers[worker] = std::thread([worker, &counts] {
        exceptions(20);
        longjmps(0);  // jump buffers are shared: only the main thread jumps
        allocas(20);
        realign(5);
        keep(even(200));
        counts[worker] = own_allocations;
      });
    for (int worker = 0; worker < 4; ++worker) {
      workers[worker].join();
      own_allocations += counts[worker];
    }
  }
}

// --- the same depth and the same outer frames with different callers in between: what a memo could confuse

NOINLINE void left(int depth, int path);
NOINLINE void right(int depth, int path) {
  touch(16);
  if (depth > 0) {
    if ((path >> depth & 1) != 0)
      left(depth - 1, path);
    else
      right(depth - 1, path);
  }
  asm volatile("" ::: "memory");
}
NOINLINE void left(int depth, int path) {
  touch(16);
  if (depth > 0) {
    if ((path >> depth & 1) != 0)
      left(depth - 1, path);
    else
      right(depth - 1, path);
  }
  touch(24);
}

void sibling(int rounds) {
  for (int i = 0; i < rounds; ++i) left(9, i * 37);
}

struct Section {
  const char* name;
  void (*run)(int);
};
constexpr Section kSections[] = {
    {"exceptions", exceptions}, {"signals", signals},     {"altstack", altstack}, {"timer", timer},
    {"coroutines", coroutines}, {"longjmp", longjmps},    {"alloca", allocas},    {"realign", realign},
    {"odd", odd_frames},        {"recursion", recursion}, {"plugin", plugin},     {"plugins", plugins},
    {"threads", threads},       {"sibling", sibling},
};

}  // namespace

int main(int argument_count, char** arguments) {
  own_path = arguments[0];
  const int rounds = argument_count > 1 ? atoi(arguments[1]) : 100;
  for (const Section& section : kSections) {
    bool wanted = argument_count <= 2;
    for (int i = 2; i < argument_count; ++i) wanted |= strcmp(arguments[i], section.name) == 0;
    if (!wanted) continue;
    own_allocations = 0;
    section.run(rounds);
    printf("%s %llu\n", section.name, static_cast<unsigned long long>(own_allocations));
  }
  return 0;
}

// Shapes whose only holder is something else than a global's word that points to the block's start. The leaking twin is
// the same with the holder emptied.
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shapes.h"

namespace leaks {
namespace {

constexpr std::size_t kBlocks = 30;
constexpr std::size_t kBlock = 104;

// --- somewhere in the block, or just behind it

template <std::size_t Offset>
[[gnu::noinline]] void hold_at() {
  for (std::size_t i = 0; i < kBlocks; ++i) held_many[i] = static_cast<char*>(take(kBlock)) + Offset;
}

[[gnu::noinline]] void lose_blocks() {
  for (std::size_t i = 0; i < kBlocks; ++i) forget(take(kBlock));
}

// --- nodes linked from the middle of one to the middle of the next, as kernel lists are

struct Link {
  Link* next;
  Link* previous;
};

struct Entry {
  std::uint64_t data[11];
  Link link;
};

Link list_head = {&list_head, &list_head};

[[gnu::noinline]] void hold_linked() {
  for (std::size_t i = 0; i < kBlocks; ++i) {
    auto* entry = static_cast<Entry*>(take(sizeof(Entry)));
    entry->link = {list_head.next, &list_head};
    list_head.next->previous = &entry->link;
    list_head.next = &entry->link;
  }
}

// The ends no longer know the head, nor the head them.
[[gnu::noinline]] void lose_linked() {
  hold_linked();
  list_head.next->previous = nullptr;
  list_head.previous->next = nullptr;
  list_head = {&list_head, &list_head};
}

// --- memory that the program mapped

[[gnu::noinline]] void** map_page(int flags) {
  void* page = mmap(nullptr, 16 << 10, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) std::abort();
  return static_cast<void**>(page);
}

template <int Flags>
[[gnu::noinline]] void hold_in_mapping() {
  void** page = map_page(Flags);
  held = page;
  for (std::size_t i = 0; i < kBlocks; ++i) page[i * 8] = take(kBlock);
}

template <int Flags>
[[gnu::noinline]] void lose_from_mapping() {
  hold_in_mapping<Flags>();
  std::memset(held, 0, 16 << 10);
}

// Nothing points at the mapping: whether somebody knows its address cannot be told.
[[gnu::noinline]] void hold_in_unknown_mapping() {
  hold_in_mapping<MAP_PRIVATE>();
  held = nullptr;
}

// --- thread-local storage, and pthread keys: the first 32 lie in the thread's control block, the rest elsewhere

thread_local void* volatile thread_local_holder;

[[gnu::noinline]] void hold_in_tls() { thread_local_holder = take(2000); }

[[gnu::noinline]] void lose_from_tls() {
  hold_in_tls();
  thread_local_holder = nullptr;
}

template <unsigned Keys>
[[gnu::noinline]] void hold_by_key(bool keep) {
  pthread_key_t key = 0;
  while (key < Keys) {
    if (pthread_key_create(&key, nullptr) != 0) std::abort();
  }
  void* block = take(2000);
  if (pthread_setspecific(key, block) != 0) std::abort();
  if (!keep) pthread_setspecific(key, nullptr);
}

template <unsigned Keys>
void hold_key() {
  hold_by_key<Keys>(true);
}

template <unsigned Keys>
void lose_key() {
  hold_by_key<Keys>(false);
}

// --- what only the kernel knows

[[gnu::noinline]] void hold_by_epoll(bool keep) {
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    const int event = eventfd(0, EFD_CLOEXEC);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.ptr = take(kBlock);
    if (epoll_ctl(poll, EPOLL_CTL_ADD, event, &wanted) != 0) std::abort();
    if (!keep && epoll_ctl(poll, EPOLL_CTL_DEL, event, nullptr) != 0) std::abort();
  }
}

void hold_in_epoll() { hold_by_epoll(true); }
void lose_from_epoll() { hold_by_epoll(false); }

// --- what only the C library knows

[[gnu::noinline]] void hold_by_atexit() {
  for (std::size_t i = 0; i < kBlocks; ++i) {
    if (on_exit([](int, void* block) { std::free(block); }, take(kBlock)) != 0) std::abort();
  }
}

// Files that nobody closes are on the library's list of open files.
[[gnu::noinline]] void hold_by_file(bool keep) {
  for (int i = 0; i < 10; ++i) {
    auto** wrapper = static_cast<FILE**>(take(200));
    *wrapper = std::fopen("/dev/null", "w");
    if (*wrapper == nullptr || std::fputs("buffered", *wrapper) < 0) std::abort();
    if (keep) {
      held_many[i] = wrapper;
    } else {
      std::fclose(*wrapper);
      forget(wrapper);
    }
  }
}

void lose_closed_files() { hold_by_file(false); }

[[gnu::noinline]] void open_files() {
  for (int i = 0; i < 10; ++i) {
    FILE* file = std::fopen("/dev/null", "w");
    if (file == nullptr || std::fputs("buffered", file) < 0) std::abort();
    forget(file);
  }
}

[[gnu::noinline]] void change_environment() {
  for (int i = 0; i < 30; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "LEAKS_VARIABLE_%d", i);
    setenv(name, "a value of the environment that the C library has a copy of", 1);
  }
}

// --- a frame that is still there: exit is called instead of main's return

[[gnu::noinline]] void exit_with_frame(bool keep) {
  void* volatile slots[kBlocks];
  for (void* volatile& slot : slots) slot = take(kBlock);
  if (!keep) {
    for (void* volatile& slot : slots) slot = nullptr;
  }
  scrub();
  before_end();
  std::exit(0);
}

void hold_at_exit() { exit_with_frame(true); }
void lose_at_exit() { exit_with_frame(false); }

constexpr std::size_t kBytes = kBlocks * kBlock;
constexpr Shape kShapes[] = {
    {"interior_only", lose_blocks, hold_at<48>, kBlocks, kBytes},
    {"last_byte", lose_blocks, hold_at<kBlock - 1>, kBlocks, kBytes},
    {"one_past_end", lose_blocks, hold_at<kBlock>, kBlocks, kBytes, Kind::kPlain, "calls it lost"},
    {"intrusive_list", lose_linked, hold_linked, kBlocks, kBlocks * sizeof(Entry), Kind::kCycle,
     "no pointer to a start: possibly lost"},
    {"mmap_holder", lose_from_mapping<MAP_PRIVATE>, hold_in_mapping<MAP_PRIVATE>, kBlocks, kBytes},
    {"shared_mmap_holder", lose_from_mapping<MAP_SHARED>, hold_in_mapping<MAP_SHARED>, kBlocks, kBytes},
    {"mmap_unknown", lose_blocks, hold_in_unknown_mapping, kBlocks, kBytes},
    {"tls_only", lose_from_tls, hold_in_tls, 1, 2000},
    {"pthread_key", lose_key<1>, hold_key<1>, 1, 2000},
    {"pthread_key_above_32", lose_key<300>, hold_key<300>, 1, 2000},
    {"epoll_only", lose_from_epoll, hold_in_epoll, kBlocks, kBytes, Kind::kPlain, "calls it lost"},
    {"atexit_argument", lose_blocks, hold_by_atexit, kBlocks, kBytes},
    {"stdio_file", lose_closed_files, open_files, 10, 2000},
    {"environment", lose_blocks, change_environment, kBlocks, kBytes},
    {"frame_at_exit", lose_at_exit, hold_at_exit, kBlocks, kBytes},
};

}  // namespace

std::span<const Shape> holder_shapes() { return kShapes; }

}  // namespace leaks

// An analysis makes hundreds of thousands of small records and frees them all, and the resident set does not fall: the
// allocator keeps the pages. The process then goes on with its ordinary work.
//
//   verdict    allocator-caching / free-pages
//   evidence   live bytes fall by 99%, the pages stay resident without a live block: the result, which was made last,
//              is above them at the heap's end, and glibc gives back only what is free at the end
//   figures    400,000 records of 160 bytes are freed; at the end 1 block, 1,025 bytes (the result). Natively 70.1 MB
//              are resident before the records are freed and at the end
//
// --pinned keeps one record in every page or so:
//
//   verdict    allocator-caching / fragmentation, pinned by make_records
//   evidence   nearly every page of the heap has one live block and is otherwise free
//   figures    at the end 20,001 blocks, 3,201,025 bytes
//
// --allocator mimalloc starts the program again on mimalloc, from the system's library, told to keep its pages (its
// default gives them back after a while):
//
//   verdict    allocator-caching / free-pages
//   figures    as without the flag; natively 64.7 MB are resident
//
// The documents' allocators (Python's, MLX's, Torch's) do the same with their arenas and pools. --scale 10 for 640 MB.

#include <dlfcn.h>

#include "demo.h"
#include "tidemark.h"

namespace {

struct Record {
  Record* next = nullptr;
  std::size_t number = 0;
  double values[18] = {};
};
static_assert(sizeof(Record) == 160);

Record* records = nullptr;
Record* kept = nullptr;
std::string result;

[[gnu::noinline]] void make_records(std::size_t first, std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i) records = new Record{records, i, {}};
}

// Deletes the records but for every `keep`th; 0 keeps none.
[[gnu::noinline]] void delete_records(std::size_t keep) {
  while (records != nullptr) {
    Record* record = records;
    records = record->next;
    if (keep != 0 && record->number % keep == 0) {
      record->next = kept;
      kept = record;
    } else {
      delete record;
    }
  }
}

demo::Tally count_live() {
  demo::Tally tally;
  for (const Record* list : {records, kept}) {
    for (; list != nullptr; list = list->next) tally.add_block(sizeof *list);
  }
  tally.add(result);
  return tally;
}

void print_resident(const char* moment) {
  std::printf("%s: %.1f MB resident\n", moment, static_cast<double>(demo::rss_bytes()) / (1024 * 1024));
}

// Whether this process runs on mimalloc already.
bool on_mimalloc() { return dlsym(RTLD_DEFAULT, "mi_malloc") != nullptr; }

// Starts the program again with mimalloc preloaded, behind what is preloaded already: a recorder has to come first.
// Returns when that is not possible.
void restart_on_mimalloc(char** argv) {
  constexpr const char* kLibrary = "libmimalloc.so.2";
  void* library = dlopen(kLibrary, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "allocator_cache: %s (Debian: libmimalloc2.0)\n", dlerror());
    return;
  }
  const char* preloaded = std::getenv("LD_PRELOAD");
  std::string preload = preloaded == nullptr ? "" : preloaded;
  if (preload.find(kLibrary) != std::string::npos) {
    std::fprintf(stderr, "allocator_cache: preloading %s has no effect\n", kLibrary);
    return;
  }
  if (!preload.empty()) preload += ":";
  preload += kLibrary;
  setenv("LD_PRELOAD", preload.c_str(), 1);
  setenv("MIMALLOC_ALLOW_DECOMMIT", "0", 1);
  setenv("MIMALLOC_PAGE_RESET", "0", 1);
  execv("/proc/self/exe", argv);
  std::perror("allocator_cache: exec");
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--allocator") != 0) continue;
    if (std::strcmp(argv[i + 1], "mimalloc") != 0) {
      std::fprintf(stderr, "allocator_cache: --allocator mimalloc, or none for the system's\n");
      return 2;
    }
    if (!on_mimalloc()) {
      restart_on_mimalloc(argv);
      return 2;
    }
    demo::take_flag(argc, argv, "mimalloc");
    demo::take_flag(argc, argv, "--allocator");
    break;
  }
  const bool pinned = demo::take_flag(argc, argv, "--pinned");
  const demo::Options options = demo::parse_options(argc, argv);
  constexpr std::size_t kRounds = 40;
  const std::size_t count = options.scaled(10'000);  // in a round

  demo::work(options.seconds / 8, 20, 5000);
  tidemark_mark("warmed up");

  demo::Pace pace(options.seconds / 4, kRounds);
  for (std::size_t round = 0; round < kRounds; ++round) {
    make_records(round * count, count);
    pace.wait();
  }
  result.assign(1024, 'r');
  tidemark_mark("analysed");
  print_resident("analysed");
  demo::print_tally("analysed", count_live());

  delete_records(pinned ? 20 : 0);
  tidemark_mark("records deleted");
  print_resident("records deleted");
  demo::print_tally("records deleted", count_live());

  demo::work(options.seconds * 5 / 8, 60, 5000);
  print_resident("worked on");
  demo::print_tally("held at the end", count_live());
}

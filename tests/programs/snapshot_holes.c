// snapshot_holes [SECONDS]: memory that cannot be read everywhere, or not for long. Blocks are held from mappings with
// holes of PROT_NONE, from one that a copy of the process does not get (MADV_DONTFORK), and from a file's mapping that
// reaches past the file's end, where reading is a SIGBUS; other threads map, protect, move and unmap all the time.
// Main takes snapshots and returns.
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "snapshot_common.h"

enum { kPage = 4096, kPages = 64, kBlock = 500 };

static char* holed;
static char* not_copied;
static char* short_file;
static _Atomic long changes;

static char* map(int flags, int file) {
  char* made = mmap(NULL, kPages * kPage, PROT_READ | PROT_WRITE, flags, file, 0);
  REQUIRE(made != MAP_FAILED);
  return made;
}

static void hold_in(char* page) {
  void* block = malloc(kBlock);
  REQUIRE(block != NULL);
  memset(block, 0x5a, kBlock);
  *(void**)(page + 128) = block;
}

static void* change_mappings(void* argument) {
  uint32_t random = 4711;
  for (;;) {
    char* made = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (int i = 0; i < 16; ++i) {
      random = random * 1664525 + 1013904223;
      char* page = made + (random >> 8) % kPages * kPage;
      switch (random >> 28 & 3) {
        case 0:
          mprotect(page, kPage, PROT_NONE);
          break;
        case 1:
          mprotect(page, kPage, PROT_READ | PROT_WRITE);
          break;
        case 2:
          munmap(page, kPage);
          break;
        default:
          madvise(page, kPage, MADV_DONTNEED);
          break;
      }
    }
    char* moved = mremap(made, kPage, 8 * kPage, MREMAP_MAYMOVE);
    if (moved != MAP_FAILED && moved != made) munmap(moved, 8 * kPage);
    munmap(made, kPages * kPage);
    atomic_fetch_add(&changes, 1);
  }
  return argument;
}

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? atof(argv[1]) : 1;
  holed = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
  for (int i = 0; i < kPages; i += 2) hold_in(holed + i * kPage);
  for (int i = 1; i < kPages; i += 2) REQUIRE(mprotect(holed + i * kPage, kPage, PROT_NONE) == 0);

  not_copied = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
  hold_in(not_copied);
  REQUIRE(madvise(not_copied, kPages * kPage, MADV_DONTFORK) == 0);

  char name[] = "/tmp/tidemark_holes.XXXXXX";
  const int file = mkstemp(name);
  REQUIRE(file >= 0 && ftruncate(file, 4 * kPage) == 0);
  unlink(name);
  short_file = map(MAP_SHARED, file);
  close(file);
  hold_in(short_file);

  for (int i = 0; i < 2; ++i) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, change_mappings, NULL) == 0);
  }
  for (const double end = seconds_now() + seconds; seconds_now() < end; usleep(10000)) tidemark_snapshot();
  EXPECT(atomic_load(&changes) > 10, "little was mapped");
  for (int i = 0; i < kPages; i += 2) {
    const unsigned char* block = *(unsigned char**)(holed + i * kPage + 128);
    EXPECT(block[kBlock - 1] == 0x5a, "block %d has changed", i);
  }
  return verdict();
}

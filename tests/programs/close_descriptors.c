// close_descriptors FOLDER: closes every descriptor from 3 up, several times while it allocates, opens files of its own
// on the numbers that became free, and writes through all of them. At the end it reads the files back: each must hold
// what was written, and nothing of anyone else's. Prints its count of allocations.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 60
#define LINE 32

static void fill(char* line, int file, int round) {
  snprintf(line, LINE, "file %2d, round %6d: mine", file % 100, round % 1000000);
  line[LINE - 1] = '\n';
}

int main(int argument_count, char** arguments) {
  if (argument_count < 2) return 2;
  long allocations = 0;
  char path[4096], line[LINE], seen[LINE];
  int files[FILES];
  void* kept[100] = {0};
  for (int fd = 3; fd < 1024; ++fd) close(fd);
  for (int i = 0; i < FILES; ++i) {
    snprintf(path, sizeof(path), "%s/file%02d", arguments[1], i);
    files[i] = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (files[i] != 3 + i) {
      printf("file %d got descriptor %d\n", i, files[i]);
      return 1;
    }
  }
  for (int round = 0; round < 1000; ++round) {
    for (int i = 0; i < 100; ++i) {
      free(kept[i]);
      kept[i] = malloc((size_t)(round * 7 + i) % 3000 + 1);
      ++allocations;
    }
    for (int i = 0; i < FILES; ++i) {
      fill(line, i, round);
      if (write(files[i], line, LINE) != LINE) return 1;
    }
    for (int fd = 3 + FILES; fd < 1024; ++fd)
      if (round % 100 == 0 && close(fd) == 0) printf("descriptor %d was open\n", fd);
  }
  for (int i = 0; i < FILES; ++i) {
    if (lseek(files[i], 0, SEEK_END) != 1000 * LINE) printf("file %d has another size\n", i);
    lseek(files[i], 0, SEEK_SET);
    for (int round = 0; round < 1000; ++round) {
      fill(line, i, round);
      if (read(files[i], seen, LINE) != LINE || memcmp(line, seen, LINE) != 0) {
        printf("file %d round %d differs\n", i, round);
        break;
      }
    }
  }
  printf("%ld allocations\n", allocations);
  return 0;
}

// moves_away HOW FOLDER: once it runs, it leaves for another folder (chdir), another root (chroot; needs root), another
// user (setuid; needs root), or takes its folder's permissions away (unlink: the folder it was started in is removed).
// Allocates before and after, far more than what any first chunk holds. Prints its count of allocations.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long allocations;

static void work(int rounds) {
  void* kept[50] = {0};
  for (int i = 0; i < rounds; ++i) {
    free(kept[i % 50]);
    kept[i % 50] = malloc((size_t)i % 500 + 1);
    ++allocations;
  }
  for (int i = 0; i < 50; ++i) free(kept[i]);
}

int main(int argument_count, char** arguments) {
  if (argument_count < 3) return 2;
  const char* how = arguments[1];
  work(5000);
  int failed = 0;
  if (strcmp(how, "chdir") == 0) failed = chdir(arguments[2]);
  if (strcmp(how, "chroot") == 0) failed = chroot(arguments[2]) != 0 || chdir("/") != 0;
  if (strcmp(how, "setuid") == 0) failed = setgid(65534) != 0 || setuid(65534) != 0;
  if (strcmp(how, "rmdir") == 0) failed = chdir(arguments[2]) != 0 || rmdir(arguments[2]) != 0;
  if (failed) {
    perror(how);
    return 1;
  }
  work(400000);
  printf("%ld allocations\n", allocations);
  return 0;
}

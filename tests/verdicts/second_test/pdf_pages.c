/* A PDF printer: the pages of one illustrated chapter are drawn into bitmaps, which wait until the whole chapter has
 * been sent; all other pages are text, and go out line by line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bitmap {
  size_t size;
  uint8_t* pixels;
};

enum { kPages = 90, kFirst = 14, kLast = 34, kSent = 46 };
static struct bitmap chapter[kPages];
static int bitmaps;
static double scale = 1, seconds = 0.9;
static uint32_t seed = 1707;

static uint32_t next_random(void) {
  seed = seed * 69069u + 1u;
  return seed >> 7;
}

static void draw_bitmap(void) {
  struct bitmap* bitmap = &chapter[bitmaps++];
  bitmap->size = (size_t)((1500000 + next_random() % 3000000) * scale);
  bitmap->pixels = malloc(bitmap->size);
  memset(bitmap->pixels, bitmaps, bitmap->size);
}

static unsigned send_chapter(void) {
  unsigned sum = 0;
  for (int i = 0; i < bitmaps; i++) sum += chapter[i].pixels[chapter[i].size / 2];
  for (int i = 0; i < bitmaps; i++) {
    free(chapter[i].pixels);
    chapter[i].pixels = NULL;
  }
  bitmaps = 0;
  return sum;
}

static unsigned print_text(int page) {
  unsigned sum = 0;
  for (int line = 0; line < 400; line++) {
    size_t length = 40 + next_random() % 60;
    char* text = malloc(length + 1);
    memset(text, 'a' + (page + line) % 26, length);
    text[length] = 0;
    char* escaped = calloc(2, length + 1);
    for (size_t i = 0, j = 0; i < length; i++) {
      if (text[i] == 'e') escaped[j++] = '\\';
      escaped[j++] = text[i];
    }
    sum += (unsigned)strlen(escaped);
    free(text);
    free(escaped);
  }
  return sum;
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  unsigned sum = 0;
  for (int page = 0; page < kPages; page++) {
    if (page >= kFirst && page < kLast) draw_bitmap();
    if (page == kSent) sum += send_chapter();
    sum += print_text(page);
    double pause = seconds / kPages;
    struct timespec time = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
    nanosleep(&time, NULL);
  }
  printf("%d pages, %u\n", kPages, sum);
  return 0;
}

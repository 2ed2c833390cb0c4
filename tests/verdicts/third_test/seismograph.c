/* A network of seismographs: samples of each station go to a buffer that grows with realloc while the ground moves, and
 * that is written and freed when the event is over. Events are of different lengths, and the last one is not over when
 * the program has to stop. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kStations = 9, kEvents = 8 };

struct station {
  float* samples;
  size_t count, capacity;
};

static struct station stations[kStations];
static const int event_steps[kEvents] = {14, 9, 20, 11, 7, 17, 10, 13};
static double energy;
static unsigned noise = 1906;

static float ground(int station, size_t sample) {
  noise = noise * 1664525u + 1013904223u;
  return sinf((float)sample * 0.01f * (float)(station + 1)) + (float)(noise >> 20) / 4096.f;
}

static void record(int index, size_t samples) {
  struct station* station = &stations[index];
  for (size_t i = 0; i < samples; ++i) {
    if (station->count == station->capacity) {
      station->capacity += 3000 + (size_t)(noise >> 20);
      station->samples = realloc(station->samples, station->capacity * sizeof(float));
      if (!station->samples) abort();
    }
    station->samples[station->count] = ground(index, station->count);
    ++station->count;
  }
}

static void pick_arrival(int index) {
  size_t window = stations[index].count < 2000 ? stations[index].count : 2000;
  float* average = malloc(window * sizeof *average);
  float sum = 0;
  for (size_t i = 0; i < window; ++i) average[i] = sum += stations[index].samples[i];
  energy += (double)average[window / 2];
  free(average);
}

static void write_event(void) {
  for (int i = 0; i < kStations; ++i) {
    for (size_t j = 0; j < stations[i].count; ++j) energy += (double)(stations[i].samples[j] * stations[i].samples[j]);
    free(stations[i].samples);
    memset(&stations[i], 0, sizeof stations[i]);
  }
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  int steps = 0;
  for (int i = 0; i < kEvents; ++i) steps += event_steps[i];
  for (int event = 0; event < kEvents; ++event) {
    for (int step = 0; step < event_steps[event]; ++step) {
      for (int i = 0; i < kStations; ++i) {
        record(i, (size_t)(scale * (6000 + (double)(noise >> 19))));
        pick_arrival(i);
      }
      struct timespec pause = {0, (long)(seconds * 1e9 / steps)};
      nanosleep(&pause, NULL);
    }
    if (event + 1 < kEvents) write_event();
  }
  printf("%.0f\n", energy);
  return 0;
}

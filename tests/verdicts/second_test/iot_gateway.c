/* A gateway between sensors and the cloud: two threads, one for each radio. A packet is copied, decoded into a reading
 * and both are freed. About one packet in ten thousand comes in fragments; when its second fragment repeats the first
 * sequence number, the assembly is started afresh and the first one's buffer is nobody's. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct device {
  char address[24];
  double last_value;
  char* firmware;
};

struct radio {
  uint32_t seed;
  uint64_t packets;
  double sum;
  uint8_t* assembly;
  size_t assembled;
};

enum { kRounds = 50 };
static struct device** devices;
static int device_count;
static double scale = 1, seconds = 0.6;

static uint32_t next(struct radio* radio) {
  radio->seed ^= radio->seed << 13;
  radio->seed ^= radio->seed >> 17;
  radio->seed ^= radio->seed << 5;
  return radio->seed;
}

static void begin_assembly(struct radio* radio, size_t size) {
  radio->assembly = malloc(size);
  memset(radio->assembly, (int)(size & 0xff), size);
  radio->assembled = size;
}

static void fragments(struct radio* radio, int repeated) {
  size_t size = 3000 + next(radio) % 5000;
  begin_assembly(radio, size);
  if (repeated) begin_assembly(radio, size + 64);
  radio->sum += radio->assembly[radio->assembled / 2];
  free(radio->assembly);
  radio->assembly = NULL;
}

static void packet(struct radio* radio) {
  size_t size = 24 + next(radio) % 72;
  uint8_t* copy = malloc(size);
  memset(copy, (int)(radio->packets & 0x7f), size);
  double* reading = malloc(4 * sizeof *reading);
  for (int i = 0; i < 4; i++) reading[i] = copy[i * 5] * 0.25;
  radio->sum += reading[next(radio) % 4];
  radio->sum += devices[next(radio) % (uint32_t)device_count]->last_value;
  free(copy);
  free(reading);
  radio->packets++;
  if (radio->packets % 2500 == 0) fragments(radio, radio->packets % 10000 == 0);
}

static void* listen_to(void* argument) {
  struct radio* radio = argument;
  for (int round = 0; round < kRounds; round++) {
    /* Bursts: a round has 8,000 to 16,000 packets. */
    int count = (int)((8000 + next(radio) % 8000) * scale);
    for (int i = 0; i < count; i++) packet(radio);
    double pause = seconds / kRounds * (round % 5 == 0 ? 3 : 0.5);
    struct timespec time = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
    nanosleep(&time, NULL);
  }
  return NULL;
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  device_count = (int)(1200 * scale) + 1;
  devices = calloc((size_t)device_count, sizeof *devices);
  for (int i = 0; i < device_count; i++) {
    devices[i] = calloc(1, sizeof **devices);
    snprintf(devices[i]->address, sizeof devices[i]->address, "dev-%06d", i);
    devices[i]->last_value = i * 0.5;
    devices[i]->firmware = malloc(1500);
    memset(devices[i]->firmware, 'f', 1500);
  }
  static struct radio radios[2] = {{.seed = 1811}, {.seed = 90533}};
  pthread_t threads[2];
  for (int i = 0; i < 2; i++)
    if (pthread_create(&threads[i], NULL, listen_to, &radios[i]) != 0) return 1;
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  printf("%llu packets, %.1f\n", (unsigned long long)(radios[0].packets + radios[1].packets),
         radios[0].sum + radios[1].sum);
  return 0;
}

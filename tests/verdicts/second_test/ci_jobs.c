/* A runner of continuous integration: a pipeline has jobs, a job knows its pipeline, and both are counted references.
 * The links are cut when a pipeline is cancelled; one that passes only gives up the runner's reference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct pipeline;

struct job {
  int references;
  struct pipeline* pipeline;
  char* log;
  size_t log_size, log_capacity;
};

struct pipeline {
  int references;
  int id;
  int job_count;
  struct job* jobs[8];
};

static char** image_layers; /* what all jobs run on */
static int layer_count;
static double scale = 1, seconds = 0.8;
static unsigned seed = 4711;

static unsigned next_random(void) {
  seed = seed * 1103515245u + 12345u;
  return seed >> 12 & 0xffff;
}

static void release_pipeline(struct pipeline* pipeline);

static void release_job(struct job* job) {
  if (--job->references > 0) return;
  if (job->pipeline) release_pipeline(job->pipeline);
  free(job->log);
  free(job);
}

static void release_pipeline(struct pipeline* pipeline) {
  if (--pipeline->references > 0) return;
  for (int i = 0; i < pipeline->job_count; i++) release_job(pipeline->jobs[i]);
  free(pipeline);
}

static void cancel(struct pipeline* pipeline) {
  for (int i = 0; i < pipeline->job_count; i++) {
    struct pipeline* owner = pipeline->jobs[i]->pipeline;
    pipeline->jobs[i]->pipeline = NULL;
    release_pipeline(owner);
  }
}

static void log_line(struct job* job, const char* line) {
  size_t length = strlen(line);
  if (job->log_size + length + 1 > job->log_capacity) {
    job->log_capacity = job->log_capacity ? job->log_capacity * 2 : 128;
    job->log = realloc(job->log, job->log_capacity);
  }
  memcpy(job->log + job->log_size, line, length + 1);
  job->log_size += length;
}

static struct pipeline* start(int id) {
  struct pipeline* pipeline = calloc(1, sizeof *pipeline);
  pipeline->references = 1;
  pipeline->id = id;
  pipeline->job_count = 2 + (int)(next_random() % 6);
  for (int i = 0; i < pipeline->job_count; i++) {
    struct job* job = calloc(1, sizeof *job);
    job->references = 1;
    job->pipeline = pipeline;
    pipeline->references++;
    pipeline->jobs[i] = job;
  }
  return pipeline;
}

static size_t run(struct pipeline* pipeline) {
  size_t bytes = 0;
  for (int i = 0; i < pipeline->job_count; i++) {
    for (unsigned line = 0, lines = 20 + next_random() % 40; line < lines; line++) {
      char* text = malloc(96); /* the shell's output, before it is in the log */
      snprintf(text, 96, "[%d.%d] layer %d: step %u passed\n", pipeline->id, i,
               image_layers[(unsigned)pipeline->id % (unsigned)layer_count][0], line);
      log_line(pipeline->jobs[i], text);
      free(text);
    }
    bytes += pipeline->jobs[i]->log_size;
  }
  return bytes;
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  enum { kRounds = 56 };
  size_t logged = 0;
  int id = 0;
  layer_count = (int)(300 * scale) + 1;
  image_layers = malloc((size_t)layer_count * sizeof *image_layers);
  for (int i = 0; i < layer_count; i++) {
    image_layers[i] = malloc(10000);
    memset(image_layers[i], i % 100, 10000);
  }
  for (int round = 0; round < kRounds; round++) {
    int pipelines = (int)((6 + next_random() % 9) * scale);
    for (int i = 0; i < pipelines; i++) {
      struct pipeline* pipeline = start(id++);
      logged += run(pipeline);
      if (next_random() % 4 == 0) cancel(pipeline);
      release_pipeline(pipeline);
    }
    double pause = seconds / kRounds;
    struct timespec time = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
    nanosleep(&time, NULL);
  }
  printf("%d pipelines, %zu bytes logged\n", id, logged);
  exit(0);
}

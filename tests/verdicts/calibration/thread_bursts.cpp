// A scheduler that starts a few threads at every tick, each of which works through a handful of jobs and ends.
//
// A job's few small blocks are freed by its thread, and what the scheduler itself holds is made once and stays: less
// than a megabyte in all, the same at every tick.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<unsigned long> done;

struct Job {
  unsigned number;
  std::string argument;
};

void work(unsigned first, unsigned count) {
  std::vector<std::unique_ptr<Job>> jobs;
  for (unsigned i = 0; i < count; ++i) {
    jobs.push_back(std::make_unique<Job>(Job{first + i, "argument of the job number " + std::to_string(first + i)}));
  }
  unsigned long sum = 0;
  for (const auto& job : jobs) sum += job->number + job->argument.size();
  done += sum;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.7;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  constexpr unsigned kTicks = 64;
  const auto jobs = static_cast<unsigned>(60 * scale);
  for (unsigned tick = 0; tick < kTicks; ++tick) {
    std::array<std::thread, 3> threads;
    for (unsigned i = 0; i < threads.size(); ++i) threads[i] = std::thread(work, tick * 1000 + i * jobs, jobs);
    for (auto& thread : threads) thread.join();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kTicks));
  }
  std::printf("done %lu\n", done.load());
}

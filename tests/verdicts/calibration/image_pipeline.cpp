// A camera pipeline: it watches small previews all the time, and once stacks a series of full frames into one picture.
//
// The frames are collected over a third of the run, merged and freed; each is large enough to be a mapping of its own,
// so that its pages go back with it. The weights come from a function that is looked up in a library at run time.
#include <dlfcn.h>
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kRounds = 66;
constexpr int kFirstFrame = 12;
constexpr int kLastFrame = 34;

using Weight = double (*)(double);

struct Frame {
  std::unique_ptr<unsigned char[]> pixels;
  std::size_t size;
};

Frame capture(int number, std::size_t size) {
  Frame frame{std::make_unique<unsigned char[]>(size), size};
  for (std::size_t i = 0; i < size; i += 16)
    frame.pixels[i] = static_cast<unsigned char>(i * 31 + static_cast<std::size_t>(number));
  return frame;
}

double merge(const std::vector<Frame>& frames, Weight weight) {
  double sum = 0;
  for (std::size_t i = 0; i < frames.front().size; i += 4096) {
    for (const Frame& frame : frames) sum += weight(frame.pixels[i]);
  }
  return sum;
}

double preview(int number) {
  std::vector<std::string> labels;
  labels.reserve(10);
  for (int i = 0; i < 10; ++i)
    labels.push_back("preview " + std::to_string(number) + ", region " + std::to_string(i) + " of ten");
  return static_cast<double>(labels.back().size());
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  void* library = dlopen("libm.so.6", RTLD_NOW);
  const auto weight = library == nullptr ? nullptr : reinterpret_cast<Weight>(dlsym(library, "sqrt"));
  if (weight == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  double sum = 0;
  std::vector<Frame> series;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < 300 * scale; ++i) sum += preview(i);
    if (round >= kFirstFrame && round < kLastFrame)
      series.push_back(capture(round, static_cast<std::size_t>(1.6e6 * scale)));
    if (round == kLastFrame) {
      sum += merge(series, weight);
      std::vector<Frame>().swap(series);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("sum %.1f\n", sum);
}

// A program that stitches a panorama: it looks for photographs, aligns them all at once, writes the picture and then
// watches the folder for more.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {

struct Photograph {
  std::unique_ptr<float[]> pixels;
  std::size_t count;
};

std::size_t look_for_files(int directory) {
  std::size_t found = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string path = "/photographs/trip-" + std::to_string(directory) + "/IMG_" + std::to_string(i) + ".jpg";
    found += path.size() % 3;
  }
  return found;
}

double stitch(int photographs, std::size_t pixels, double pause) {
  std::vector<Photograph> album;
  std::mt19937 random(360);
  for (int i = 0; i < photographs; ++i) {
    const std::size_t count = pixels / 2 + random() % pixels;
    album.push_back({std::make_unique<float[]>(count), count});
    for (std::size_t j = 0; j < count; ++j) album.back().pixels[j] = static_cast<float>((j * 31 + count) % 255);
    std::this_thread::sleep_for(std::chrono::duration<double>(pause));
  }
  double error = 0;
  for (std::size_t i = 1; i < album.size(); ++i)
    for (std::size_t j = 0; j < album[i].count && j < album[i - 1].count; j += 4)
      error += static_cast<double>(std::fabs(album[i].pixels[j] - album[i - 1].pixels[j]));
  return error;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  std::size_t files = 0;
  double error = 0;
  for (int round = 0; round < 50; ++round) {
    files += look_for_files(round);
    if (round == 12) {
      error = stitch(20, static_cast<std::size_t>(500000 * scale), seconds / 80);
#if defined(__GLIBC__)
      malloc_trim(0);  // it may wait for days now
#endif
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds * .75 / 50));
  }
  std::printf("%zu %.0f\n", files, error);
}

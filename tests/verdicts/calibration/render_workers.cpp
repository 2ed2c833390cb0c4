// A renderer: each frame is cut into tiles, which four threads shade into a frame buffer that lives as long as the
// program.
//
// A thread that meets a tile outside the clip region returns from the shader early, and the scratch buffer that it had
// made for the tile goes with its stack: nobody has another pointer to it. Every fourth tile is outside.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kFrames = 48;
constexpr int kThreads = 4;
constexpr std::size_t kTilePixels = 2500;

std::vector<float> frame_buffer(400'000);

struct Tile {
  std::size_t index;
  bool clipped;
};

float shade(const Tile& tile) {
  auto* scratch = new float[kTilePixels];
  for (std::size_t i = 0; i < kTilePixels; ++i) scratch[i] = static_cast<float>((tile.index * 31 + i) % 255);
  if (tile.clipped) return scratch[tile.index % kTilePixels];
  float sum = 0;
  for (std::size_t i = 0; i < kTilePixels; ++i) sum += scratch[i];
  delete[] scratch;
  return sum / kTilePixels;
}

void render_strip(std::size_t first, std::size_t count, float* result) {
  std::vector<Tile> tiles;
  for (std::size_t i = first; i < first + count; ++i) tiles.push_back({i, i % 4 == 1});
  float light = 0;
  for (const Tile& tile : tiles) {
    const float value = shade(tile);
    frame_buffer[tile.index % frame_buffer.size()] = value;
    light += value;
  }
  *result = light;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.5;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  const auto tiles = static_cast<std::size_t>(16 * scale);

  double light = 0;
  for (int frame = 0; frame < kFrames; ++frame) {
    std::array<std::thread, kThreads> threads;
    std::array<float, kThreads> results{};
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads[i] = std::thread(render_strip, i * tiles, tiles, &results[i]);
    }
    for (auto& thread : threads) thread.join();
    for (const float result : results) light += result;
    const std::string status = "frame " + std::to_string(frame) + " of " + std::to_string(kFrames) + " rendered";
    if (status.empty()) std::abort();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kFrames));
  }
  std::printf("light %.0f\n", light);
}

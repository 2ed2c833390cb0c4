// A server of geographic questions: it listens first, loads the heights of a region when the first client names it, and
// later the roads of the region, when a client asks for a route. Everything else is questions about the two.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

struct Strip {
  double latitude;
  std::vector<float> heights;
};

struct Road {
  std::string name;
  std::vector<std::pair<float, float>> points;
};

std::deque<Strip> terrain;
std::unordered_map<uint32_t, std::unique_ptr<Road>> roads;
uint32_t seed = 8848;

uint32_t random_number() {
  seed = seed * 22695477 + 1;
  return seed >> 9;
}

void load_terrain(int strips) {
  for (int i = 0; i < strips; ++i) {
    std::vector<float> heights(1000 + random_number() % 1000);
    for (size_t x = 0; x < heights.size(); ++x) heights[x] = std::sin(static_cast<float>(x * i) * 0.01F) * 2000;
    terrain.push_back({45 + i * 0.01, std::move(heights)});
  }
}

void load_roads(uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    auto road = std::make_unique<Road>();
    road->name = "Road no. " + std::to_string(i) + " of the region";
    for (uint32_t point = 0, points = 10 + random_number() % 60; point < points; ++point)
      road->points.emplace_back(static_cast<float>(random_number() % 360), static_cast<float>(point));
    roads[i] = std::move(road);
  }
}

std::string ping(uint32_t client) { return "{\"client\": " + std::to_string(client) + std::string(100, ' ') + "}"; }

size_t profile() {
  const Strip& strip = terrain[random_number() % terrain.size()];
  std::string answer = "profile at " + std::to_string(strip.latitude) + ":";
  for (size_t x = 0; x < strip.heights.size(); x += 40) answer.append(1, ' ').append(std::to_string(strip.heights[x]));
  return answer.size();
}

size_t route() {
  std::unordered_map<uint32_t, float> distances;
  for (int i = 0; i < 20; ++i) {
    const uint32_t id = random_number() % static_cast<uint32_t>(roads.size());
    const Road& road = *roads.at(id);
    distances[id] = road.points.front().first + road.points.back().second;
  }
  return distances.size();
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kRounds = 100;
  size_t bytes = 0;
  for (int round = 0; round < kRounds; ++round) {
    if (round == 17) load_terrain(static_cast<int>(1200 * scale));
    if (round == 42) load_roads(static_cast<uint32_t>(12000 * scale));
    const uint32_t questions = 80 + random_number() % 80;
    for (uint32_t i = 0; i < questions; ++i) {
      bytes += ping(i).size();
      if (!terrain.empty() && i % 3 == 0) bytes += profile();
      if (!roads.empty() && i % 3 == 1) bytes += route();
    }
    const double speed = round % 20 < 10 ? 0.6 : 1.4;
    std::this_thread::sleep_for(std::chrono::duration<double>(speed * seconds / kRounds));
  }
  std::printf("%zu bytes of answers\n", bytes);
  std::exit(0);
}

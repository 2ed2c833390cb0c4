// A chat service: two shards, a thread for each. Whoever writes is present in a room for some ticks, with a scroll-back
// of their own, and is forgotten when they were silent for that long; new people come all the while.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

struct Presence {
  std::string name;
  std::vector<std::string> scroll_back;
};

struct Shard {
  std::unordered_map<uint64_t, Presence> present;
  std::multimap<int, uint64_t> deadlines;
  uint64_t state = 0, newest = 0, lines = 0;

  uint32_t random() {
    state = state * 2862933555777941757ULL + 3037000493ULL;
    return static_cast<uint32_t>(state >> 35);
  }

  void enter(int tick) {
    const uint64_t id = newest++;
    Presence& presence = present[id];
    presence.name = "somebody-with-a-long-name-" + std::to_string(id);
    for (uint32_t i = 0, count = 2 + random() % 5; i < count; ++i)
      presence.scroll_back.emplace_back(80 + random() % 160, static_cast<char>('a' + i));
    deadlines.emplace(tick + 6 + static_cast<int>(random() % 8), id);
  }

  void expire(int tick) {
    while (!deadlines.empty() && deadlines.begin()->first <= tick) {
      present.erase(deadlines.begin()->second);
      deadlines.erase(deadlines.begin());
    }
  }

  void broadcast() {
    for (const auto& [id, presence] : present) {
      if (id % 16 != 0) continue;
      const std::string line = presence.name + ": " + presence.scroll_back.back();
      lines += line.size();
    }
  }
};

Shard shards[2];
constexpr int kTicks = 120;

void serve(Shard& shard, double scale, double seconds) {
  for (int tick = 0; tick < kTicks; ++tick) {
    const auto arrivals = static_cast<int>((100 + shard.random() % 80) * scale);
    for (int i = 0; i < arrivals; ++i) shard.enter(tick);
    shard.expire(tick);
    shard.broadcast();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kTicks));
  }
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  shards[0].state = 17;
  shards[1].state = 4242;
  std::vector<std::thread> threads;
  for (Shard& shard : shards) threads.emplace_back(serve, std::ref(shard), scale, seconds);
  for (std::thread& thread : threads) thread.join();
  std::printf("%zu present, %llu characters\n", shards[0].present.size() + shards[1].present.size(),
              static_cast<unsigned long long>(shards[0].lines + shards[1].lines));
  return 0;
}

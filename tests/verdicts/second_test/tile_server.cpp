// A server of map tiles: the tiles drawn last are kept, up to so many bytes. Beside them, the tag of every tile ever
// drawn is kept to answer "not modified", and people keep looking at new places.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

struct Tile {
  uint64_t key;
  std::vector<uint8_t> pixels;
};

class Tiles {
 public:
  explicit Tiles(size_t capacity) : capacity_(capacity) {}

  size_t get(uint64_t key, uint32_t noise) {
    const auto found = by_key_.find(key);
    if (found != by_key_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return found->second->pixels[0];
    }
    std::vector<uint8_t> pixels(3000 + noise % 6000, static_cast<uint8_t>(key));
    tags_.emplace(key, std::string(90 + noise % 100, static_cast<char>('0' + key % 10)));
    size_ += pixels.size();
    order_.push_front({key, std::move(pixels)});
    by_key_[key] = order_.begin();
    while (size_ > capacity_) {
      size_ -= order_.back().pixels.size();
      by_key_.erase(order_.back().key);
      order_.pop_back();
    }
    return order_.front().pixels[0];
  }
  size_t tags() const { return tags_.size(); }

 private:
  size_t capacity_, size_ = 0;
  std::list<Tile> order_;
  std::unordered_map<uint64_t, std::list<Tile>::iterator> by_key_;
  std::map<uint64_t, std::string> tags_;
};

Tiles* tiles = nullptr;

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  tiles = new Tiles(static_cast<size_t>(9e6 * scale));
  constexpr uint64_t kRounds = 72;
  uint64_t state = 88172645463325252;
  size_t served = 0, sum = 0;
  for (uint64_t round = 0; round < kRounds; ++round) {
    const auto requests = static_cast<uint64_t>((200 + state % 200) * scale);
    const uint64_t centre = round * 600;
    for (uint64_t i = 0; i < requests; ++i) {
      state ^= state << 7;
      state ^= state >> 9;
      // Half of the requests are for where people looked before.
      const uint64_t around = state % 2 == 0 || round == 0 ? 0 : 600;
      const uint64_t tile = static_cast<uint64_t>(static_cast<double>(centre - around + (state >> 20) % 600) * scale);
      sum += tiles->get(tile, static_cast<uint32_t>(tile * 2654435761U >> 7));
      ++served;
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("%zu tiles served, %zu tags, %zu\n", served, tiles->tags(), sum);
  std::exit(0);
}

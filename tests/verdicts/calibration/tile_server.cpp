// A map server: tiles are drawn on demand and kept in a cache of fixed size, the least recently used going first.
//
// The cache is as it should be. Beside it, the server notes for every request where it came from, in lists per client
// that nobody reads out or shortens.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

class TileCache {
 public:
  explicit TileCache(std::size_t capacity) : capacity_(capacity) {}

  const std::vector<char>& get(unsigned key) {
    if (const auto found = index_.find(key); found != index_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return order_.front().pixels;
    }
    if (order_.size() == capacity_) {
      index_.erase(order_.back().key);
      order_.pop_back();
    }
    order_.push_front({key, std::vector<char>(9000, static_cast<char>(key))});
    index_[key] = order_.begin();
    return order_.front().pixels;
  }

 private:
  struct Tile {
    unsigned key;
    std::vector<char> pixels;
  };
  std::size_t capacity_;
  std::list<Tile> order_;
  std::unordered_map<unsigned, std::list<Tile>::iterator> index_;
};

class Server {
 public:
  explicit Server(std::size_t capacity) : cache_(capacity) {}

  long handle(unsigned request) {
    const unsigned key = request * 2654435761U % 6007;
    const std::string client = "10.0." + std::to_string(request % 7) + '.' + std::to_string(request % 41);
    referrers_[client].push_back("https://maps.example/view?tile=" + std::to_string(key) + "&from=" + client);
    const auto& pixels = cache_.get(key);
    return pixels[request % pixels.size()];
  }

 private:
  TileCache cache_;
  std::map<std::string, std::list<std::string>> referrers_;
};

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  constexpr unsigned kRounds = 60;
  const auto requests = static_cast<unsigned>(1000 * scale);
  Server server(static_cast<std::size_t>(800 * scale));
  long sum = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned i = 0; i < requests; ++i) sum += server.handle(round * requests + i);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("sum %ld\n", sum);
}

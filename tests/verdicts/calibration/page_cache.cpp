// A database's page cache: pages of a file are read on demand, and the least recently used ones go when it is full.
//
// It is full after a tenth of the run; from then on every page that comes in puts another one out. A few pages (the
// root of the tree) are in every request and stay for ever. The cache is a local of main, so that all of it is freed
// just before main returns: that is the end, not the working life.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

namespace {

constexpr unsigned kRounds = 60;

class PageCache {
 public:
  explicit PageCache(std::size_t pages) : capacity_(pages) {}

  const std::string& page(unsigned number) {
    const auto found = where_.find(number);
    if (found != where_.end()) {
      pages_.splice(pages_.end(), pages_, found->second);
      return found->second->second;
    }
    while (pages_.size() >= capacity_) {
      where_.erase(pages_.front().first);
      pages_.pop_front();
    }
    pages_.emplace_back(number, read(number));
    where_.emplace(number, std::prev(pages_.end()));
    return pages_.back().second;
  }

 private:
  static std::string read(unsigned number) {
    std::string bytes = "page " + std::to_string(number) + ' ';
    bytes.resize(1500 + number * 97 % 2500, static_cast<char>('a' + number % 26));
    return bytes;
  }

  std::size_t capacity_;
  std::list<std::pair<unsigned, std::string>> pages_;
  std::unordered_map<unsigned, std::list<std::pair<unsigned, std::string>>::iterator> where_;
};

std::size_t look_up(PageCache& cache, unsigned request) {
  const std::string key = "key of the request number " + std::to_string(request);
  std::size_t sum = cache.page(request % 5).size();
  for (unsigned level = 1; level < 4; ++level) {
    const std::string& page = cache.page(100 + request * 2654435761U % (4096U << (2 * level)));
    sum += static_cast<unsigned char>(page[(request + key.size()) % page.size()]);
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  PageCache cache(static_cast<std::size_t>(5000 * scale));
  const auto requests = static_cast<unsigned>(350 * scale);
  std::size_t sum = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned i = 0; i < requests; ++i) sum += look_up(cache, round * requests + i);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("sum %zu\n", sum);
}

// A storage engine's cache of pages: pages are read on demand, the least recently used gives way. The cache is full
// before a sixth of the run is over.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include <unistd.h>

constexpr std::size_t kPageSize = 4000;

// A page is a link of the list that orders pages by their last use; the list's ends meet in a page without content.
struct Page {
  std::uint32_t number = 0;
  Page* newer = this;
  Page* older = this;
  std::unique_ptr<std::uint8_t[]> content;
};

class PageCache {
 public:
  explicit PageCache(std::size_t limit) : limit_(limit) {}
  PageCache(const PageCache&) = delete;
  PageCache& operator=(const PageCache&) = delete;

  ~PageCache() {
    while (!pages_.empty()) drop(ends_.newer);
  }

  const Page& get(std::uint32_t number) {
    Page*& slot = pages_[number];
    if (slot != nullptr) {
      unlink(*slot);
    } else {
      slot = read(number);
    }
    Page& page = *slot;
    make_newest(page);
    if (pages_.size() > limit_) drop(ends_.newer);
    return page;
  }

  std::size_t misses() const { return misses_; }

 private:
  Page* read(std::uint32_t number) {
    ++misses_;
    auto page = std::make_unique<Page>();
    page->number = number;
    page->content = std::make_unique<std::uint8_t[]>(kPageSize);
    for (std::size_t i = 0; i < kPageSize; i += 50) page->content[i] = static_cast<std::uint8_t>(number * 13 + i);
    return page.release();
  }

  static void unlink(Page& page) {
    page.newer->older = page.older;
    page.older->newer = page.newer;
  }

  void make_newest(Page& page) {
    page.newer = &ends_;
    page.older = ends_.older;
    ends_.older->newer = &page;
    ends_.older = &page;
  }

  void drop(Page* page) {
    unlink(*page);
    pages_.erase(page->number);
    delete page;
  }

  std::size_t limit_;
  std::size_t misses_ = 0;
  Page ends_;  // older: the newest page; newer: the oldest
  std::unordered_map<std::uint32_t, Page*> pages_;
};

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  try {
    for (int i = 1; i < argc; i += 2) {
      const std::string flag = argv[i];
      if (flag != "--scale" && flag != "--seconds") throw std::invalid_argument(flag);
      (flag == "--scale" ? scale : seconds) = std::stod(argv[i + 1]);
    }
  } catch (const std::exception&) {
    return 2;
  }
  const auto limit = static_cast<std::size_t>(2200 * scale);
  const auto range = static_cast<std::uint32_t>(9000 * scale);
  PageCache cache(limit);
  std::uint64_t random = 88172645463325252ULL;
  std::size_t sum = 0;
  for (int transaction = 0; transaction < 120; ++transaction) {
    for (int i = 0; i < 350 * scale; ++i) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      const auto hot = static_cast<std::uint32_t>(random >> 40) % 5;
      const std::uint32_t number = static_cast<std::uint32_t>(random >> 8) % (hot == 0 ? range / 50 : range);
      const Page& page = cache.get(number);
      const std::string row(reinterpret_cast<const char*>(page.content.get()) + number % 3000, 80);
      sum += static_cast<unsigned char>(row[number % 80]);
    }
    usleep(static_cast<useconds_t>(seconds * 1e6 / 120));
  }
  std::printf("%zu misses, %zu\n", cache.misses(), sum);
}

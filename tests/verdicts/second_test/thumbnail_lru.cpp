// A photograph browser: thumbnails are kept up to a budget of bytes, the least recently seen one goes first. The budget
// is met after two fifths of the run; before it, and behind it, the pictures come at the same pace.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <unordered_map>

namespace {

struct Thumbnail {
  uint64_t photo;
  size_t size;
  Thumbnail *newer, *older;
  unsigned char pixels[1];
};

class Cache {
 public:
  void set_budget(size_t budget) { budget_ = budget; }

  const Thumbnail& see(uint64_t photo, size_t size) {
    const auto found = thumbnails_.find(photo);
    if (found != thumbnails_.end()) {
      unlink(found->second);
      link(found->second);
      return *found->second;
    }
    auto* thumbnail = static_cast<Thumbnail*>(std::malloc(sizeof(Thumbnail) + size));
    thumbnail->photo = photo;
    thumbnail->size = size;
    std::memset(thumbnail->pixels, static_cast<int>(photo & 0xff), size);
    thumbnails_[photo] = thumbnail;
    link(thumbnail);
    used_ += size;
    while (used_ > budget_) evict();
    return *thumbnail;
  }

 private:
  void link(Thumbnail* one) {
    one->newer = nullptr;
    one->older = newest_;
    (newest_ ? newest_->newer : oldest_) = one;
    newest_ = one;
  }
  void unlink(Thumbnail* one) {
    (one->newer ? one->newer->older : newest_) = one->older;
    (one->older ? one->older->newer : oldest_) = one->newer;
  }
  void evict() {
    Thumbnail* victim = oldest_;
    unlink(victim);
    used_ -= victim->size;
    thumbnails_.erase(victim->photo);
    std::free(victim);
  }

  std::unordered_map<uint64_t, Thumbnail*> thumbnails_;
  Thumbnail *newest_ = nullptr, *oldest_ = nullptr;
  size_t used_ = 0, budget_ = 0;
};

Cache cache;

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kScreens = 100;
  const auto per_screen = static_cast<uint64_t>(60 * scale);
  cache.set_budget(static_cast<size_t>(kScreens * 2 / 5 * 60 * 6000 * scale));
  uint64_t photo = 0, sum = 0;
  for (int screen = 0; screen < kScreens; ++screen) {
    for (uint64_t i = 0; i < per_screen; ++i, ++photo) {
      sum += cache.see(photo, 3000 + photo * 2654435761U % 6000).pixels[0];
      // A look back at what was on the screen before.
      if (i % 5 == 0 && photo > 2 * per_screen) sum += cache.see(photo - per_screen - i % 7, 100).size;
      char* caption = new char[200 + photo % 300];
      std::memset(caption, 'c', 200);
      sum += static_cast<uint64_t>(caption[photo % 200]);
      delete[] caption;
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kScreens));
  }
  std::printf("%llu photographs, %llu\n", static_cast<unsigned long long>(photo), static_cast<unsigned long long>(sum));
  std::exit(0);
}

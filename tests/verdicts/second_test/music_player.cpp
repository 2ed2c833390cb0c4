// A music player: each track opens its views (waveform, lyrics, sleeve), and each view listens to the player. Closing a
// view hides it; it stays among the listeners, and what it drew stays with it.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;
  virtual void at(double position) = 0;
};

class Waveform : public Listener {
 public:
  explicit Waveform(size_t samples) : peaks_(samples) {
    for (size_t i = 0; i < samples; ++i) peaks_[i] = static_cast<int16_t>(32000 * std::sin(static_cast<double>(i)));
  }
  void at(double position) override { cursor_ = static_cast<size_t>(position * 1000) % peaks_.size(); }

 private:
  std::vector<int16_t> peaks_;
  size_t cursor_ = 0;
};

class Lyrics : public Listener {
 public:
  explicit Lyrics(size_t lines) {
    for (size_t i = 0; i < lines; ++i)
      lines_.push_back(std::to_string(i) + ": la la la la " + std::string(i % 40, '~'));
  }
  void at(double position) override { line_ = static_cast<size_t>(position) % lines_.size(); }

 private:
  std::vector<std::string> lines_;
  size_t line_ = 0;
};

class Player {
 public:
  static Player& instance() {
    static Player player;
    return player;
  }
  void listen(std::shared_ptr<Listener> listener) { listeners_.push_back(std::move(listener)); }
  double play(int blocks, uint32_t track) {
    double sum = 0;
    for (int block = 0; block < blocks; ++block) {
      std::vector<float> decoded(512 + (block * 37 + track) % 1024);
      for (size_t i = 0; i < decoded.size(); ++i) decoded[i] = ring_[(i * 61 + track) % ring_.size()] * 0.5F;
      sum += static_cast<double>(decoded.back());
      if (block % 50 == 0)
        for (const auto& listener : listeners_) listener->at(block * 0.02);
    }
    return sum;
  }
  size_t listeners() const { return listeners_.size(); }
  void buffer(size_t samples) { ring_.assign(samples, 0.25F); }

 private:
  std::list<std::shared_ptr<Listener>> listeners_;
  std::vector<float> ring_;
};

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  Player& player = Player::instance();
  player.buffer(static_cast<size_t>(400000 * scale));
  constexpr uint32_t kTracks = 64;
  uint32_t seed = 1974;
  double sum = 0;
  for (uint32_t track = 0; track < kTracks; ++track) {
    seed = seed * 1664525 + 1013904223;
    const double length = 0.5 + (seed >> 8) / 16777216.0;  // of an average track
    auto waveform = std::make_shared<Waveform>(static_cast<size_t>(12000 * length * scale));
    auto lyrics = std::make_shared<Lyrics>(static_cast<size_t>(60 * length * scale) + 1);
    player.listen(waveform);
    player.listen(lyrics);
    sum += player.play(static_cast<int>(300 * length), track);
    std::this_thread::sleep_for(std::chrono::duration<double>(length * seconds / kTracks));
  }
  std::printf("%u tracks, %zu listeners, %.1f\n", kTracks, player.listeners(), sum);
}

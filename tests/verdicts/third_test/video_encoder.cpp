// A video encoder: frames pass a look-ahead, then stay a while as references; some are kept longer as golden frames,
// and the rate control remembers the statistics of the last hundred and fifty.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace {

struct Frame {
  int number;
  std::vector<std::uint8_t> luma;
};

struct Statistics {
  int number;
  std::vector<int> cost_of_block;
};

class Encoder {
 public:
  std::size_t encode(int number, std::size_t bytes) {
    auto frame = std::make_shared<Frame>(Frame{number, std::vector<std::uint8_t>(bytes)});
    for (std::size_t i = 0; i < bytes; i += 8) frame->luma[i] = static_cast<std::uint8_t>(i * 7 + bytes);
    look_ahead_.push_back(std::move(frame));
    if (look_ahead_.size() <= 24) return 0;

    const std::shared_ptr<const Frame> current = look_ahead_.front();
    look_ahead_.pop_front();
    Statistics statistics{current->number, std::vector<int>(current->luma.size() / 64)};
    std::vector<std::uint8_t> packed;  // the bit stream of this frame
    for (std::size_t i = 0; i + 1 < current->luma.size(); i += 3) {
      const int difference = current->luma[i + 1] - current->luma[i];
      if (difference) packed.push_back(static_cast<std::uint8_t>(difference));
      statistics.cost_of_block[i / 64 % statistics.cost_of_block.size()] += difference * difference;
    }
    references_[static_cast<std::size_t>(current->number) % references_.size()] = current;
    if (current->number % 20 == 0) golden_[static_cast<std::size_t>(current->number / 20) % golden_.size()] = current;
    history_.push_back(std::move(statistics));
    if (history_.size() > 150) history_.pop_front();
    return packed.size();
  }

 private:
  std::deque<std::shared_ptr<const Frame>> look_ahead_;
  std::array<std::shared_ptr<const Frame>, 8> references_;
  std::array<std::shared_ptr<const Frame>, 4> golden_;
  std::deque<Statistics> history_;
};

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kFrames = 900;
  static Encoder encoder;
  std::mt19937 random(25);
  std::size_t bits = 0;
  for (int frame = 0; frame < kFrames; ++frame) {
    bits += encoder.encode(frame, static_cast<std::size_t>(scale * (35000 + static_cast<double>(random() % 70000))));
    if (frame % 10 == 9) std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kFrames * 10));
  }
  std::printf("%zu\n", bits);
}

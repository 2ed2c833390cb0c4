// A chat bot: it remembers the last eight lines of everybody who ever wrote, and most people write once. The memory is
// emptied when the bot is shut down.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <thread>
#include <unordered_map>

namespace {

struct Context {
  std::deque<std::string> lines;
  uint32_t last_round = 0;
};

class Bot {
 public:
  size_t answer(uint64_t user, const std::string& line, uint32_t round) {
    Context& context = contexts_[user];
    context.last_round = round;
    context.lines.push_back(line);
    if (context.lines.size() > 8) context.lines.pop_front();
    std::string reply;
    for (const std::string& one : context.lines) reply += one.substr(0, one.size() / 3) + " / ";
    return reply.size();
  }
  size_t users() const { return contexts_.size(); }
  void shut_down() { contexts_.clear(); }

 private:
  std::unordered_map<uint64_t, Context> contexts_;
};

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t operator()() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  constexpr uint32_t kRounds = 60;
  Bot bot;
  Random random(31337);
  uint64_t newest = 100;
  size_t said = 0;
  for (uint32_t round = 0; round < kRounds; ++round) {
    const bool evening = round % 6 > 3;
    const auto talks = static_cast<uint32_t>((evening ? 90 : 50) * scale);
    for (uint32_t i = 0; i < talks; ++i) {
      const uint64_t user = random() % 4 == 0 ? random() % 100 : newest++;
      for (uint64_t line = 0, lines = 1 + random() % 4; line < lines; ++line)
        said += bot.answer(user, std::string(60 + random() % 120, static_cast<char>('a' + user % 26)), round);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>((evening ? 0.5 : 1.25) * seconds / kRounds));
  }
  std::printf("%zu users, %zu characters said\n", bot.users(), said);
  bot.shut_down();
  return 0;
}

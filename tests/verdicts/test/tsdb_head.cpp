// A store of time series. Samples are gathered in a head block, one buffer of chunks for each series; after every
// fifteenth flush interval the head is written out and starts empty. Of what was written out only a short summary of
// the last three blocks is kept. The run ends while a head is being filled.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <deque>
#include <forward_list>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace tsdb {

struct Chunk {
  std::int64_t first_time = 0;
  std::uint16_t used = 0;
  std::uint8_t bytes[240];
};

struct SeriesHead {
  std::forward_list<Chunk> chunks;  // newest first
  double last = 0;
};

class Head {
 public:
  explicit Head(std::size_t series) : series_(series) {}

  void append(std::size_t which, std::int64_t time, double value) {
    SeriesHead& head = series_[which];
    std::uint64_t bits = 0;
    const double difference = value - head.last;
    std::memcpy(&bits, &difference, sizeof bits);
    if (head.chunks.empty() || head.chunks.front().used + sizeof bits > sizeof Chunk::bytes) {
      head.chunks.emplace_front().first_time = time;
    }
    Chunk& chunk = head.chunks.front();
    std::memcpy(chunk.bytes + chunk.used, &bits, sizeof bits);
    chunk.used = static_cast<std::uint16_t>(chunk.used + sizeof bits);
    head.last = value;
  }

  [[nodiscard]] std::string write_out() const {
    std::size_t chunks = 0;
    std::size_t bytes = 0;
    for (const SeriesHead& head : series_) {
      for (const Chunk& chunk : head.chunks) {
        ++chunks;
        bytes += chunk.used;
      }
    }
    return "block with " + std::to_string(chunks) + " chunks and " + std::to_string(bytes) + " bytes of samples";
  }

 private:
  std::vector<SeriesHead> series_;
};

}  // namespace tsdb

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--scale") scale = std::stod(argv[i + 1]);
    if (std::string(argv[i]) == "--seconds") seconds = std::stod(argv[i + 1]);
  }
  const auto series = static_cast<std::size_t>(400 * scale);
  constexpr int kIntervals = 101;
  static auto head = std::make_unique<tsdb::Head>(series);
  std::deque<std::string> summaries;
  for (int interval = 0; interval < kIntervals; ++interval) {
    for (int sample = 0; sample < 60; ++sample) {
      const std::int64_t time = interval * 60 + sample;
      for (std::size_t i = 0; i < series; ++i) {
        head->append(i, time, std::sin(static_cast<double>(time) / 50 + static_cast<double>(i)));
      }
      const std::string request =
          "POST /api/v1/write?interval=" + std::to_string(interval) + "&sample=" + std::to_string(sample) + " HTTP/1.1";
      if (request.find("interval=") == std::string::npos) return 1;
    }
    if (interval % 15 == 14) {
      summaries.push_back(head->write_out());
      if (summaries.size() > 3) summaries.pop_front();
      head = std::make_unique<tsdb::Head>(series);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kIntervals));
  }
  for (const std::string& summary : summaries) std::cout << summary << '\n';
  return 0;
}

// A metrics server that scrapes targets. For the first three fifths of the run the targets are always the same; then a
// deployment begins to put the name of a short-lived instance into a label, and every scrape brings series that will
// never be written to again. Series are kept until the process ends.
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

struct Series {
  std::string labels;
  std::array<double, 48> recent{};
  std::uint32_t written = 0;
  void write(double value) { recent[written++ % recent.size()] = value; }
};

class Storage {
 public:
  static Storage& instance() {
    static Storage storage;
    return storage;
  }
  void write(const std::string& labels, double value) {
    std::unique_ptr<Series>& series = series_[labels];
    if (!series) {
      series = std::make_unique<Series>();
      series->labels = labels;
    }
    series->write(value);
  }
  std::size_t size() const { return series_.size(); }

 private:
  std::map<std::string, std::unique_ptr<Series>> series_;
};

// The text that a target answers with.
std::string expose(int scrape, int stable, int passing) {
  std::ostringstream text;
  for (int i = 0; i < stable; ++i) {
    text << "http_requests_total{path=\"/v1/resource/" << i << "\",code=\"200\"} " << scrape * 10 + i << '\n';
  }
  for (int i = 0; i < passing; ++i) {
    text << "http_requests_total{path=\"/v1/resource/" << i % 7 << "\",instance=\"batch-" << std::hex
         << scrape * 40503u + i * 7919u << std::dec << "-" << scrape << "-" << i << "\"} 1\n";
  }
  return text.str();
}

void scrape(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.rfind(' ');
    const std::string labels = line.substr(0, space);
    Storage::instance().write(labels, std::strtod(line.c_str() + space, nullptr));
  }
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--scale") && argv[i + 1]) scale = std::atof(argv[++i]);
    if (!std::strcmp(argv[i], "--seconds") && argv[i + 1]) seconds = std::atof(argv[++i]);
  }
  const int scrapes = 100;
  const int stable = static_cast<int>(2000 * scale);
  const int passing = static_cast<int>(120 * scale);
  auto next = std::chrono::steady_clock::now();
  for (int i = 0; i < scrapes; ++i) {
    scrape(expose(i, stable, i < 60 ? 0 : passing));
    next += std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6 / scrapes));
    std::this_thread::sleep_until(next);
  }
  std::printf("%zu series\n", Storage::instance().size());
}

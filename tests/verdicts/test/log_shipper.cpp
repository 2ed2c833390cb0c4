// A log shipper: cuts a stream into lines, turns each into a record, and sends records in batches. A stack trace is
// gathered in a buffer of its own until its last line; when its first line shows that the trace was truncated at the
// source (one line in 10,000), the buffer is set aside and never found again.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Record {
  std::string host;
  std::string text;
  std::map<std::string, std::string> fields;
};

class TraceBuffer {
 public:
  static constexpr std::size_t kCapacity = 12'000;

  void begin(const std::string& first_line) {
    data_ = new char[kCapacity];
    used_ = 0;
    append(first_line);
  }

  void append(const std::string& line) {
    if (used_ + line.size() > kCapacity) return;
    std::memcpy(data_ + used_, line.data(), line.size());
    used_ += line.size();
  }

  std::string finish(bool truncated) {
    if (truncated) {
      data_ = nullptr;
      return "(truncated)";
    }
    std::string whole(data_, used_);
    delete[] data_;
    data_ = nullptr;
    return whole;
  }

 private:
  char* data_ = nullptr;
  std::size_t used_ = 0;
};

class Shipper {
 public:
  void line(std::size_t number) {
    std::string text = "2024-05-0" + std::to_string(number % 9) + "T12:00:00 worker[" + std::to_string(number % 77) +
                       "]: request " + std::to_string(number) + " took a while";
    if (number % 50 == 49) {
      trace_.begin(text);
      for (int frame = 0; frame < 6; ++frame) trace_.append("  at frame " + std::to_string(frame));
      text = trace_.finish(number % 10'000 == 9'999);
    }
    auto record = std::make_unique<Record>();
    record->host = "node-" + std::to_string(number % 13) + ".example.internal";
    record->text = std::move(text);
    record->fields["severity"] = number % 50 == 49 ? "error" : "info";
    batch_.push_back(std::move(record));
    if (batch_.size() == 500) ship();
  }

  void ship() {
    std::string payload;
    for (const auto& record : batch_) payload += record->host + ' ' + record->text + '\n';
    sent_ += payload.size();
    batch_.clear();
  }

  [[nodiscard]] std::size_t sent() const { return sent_; }

 private:
  TraceBuffer trace_;
  std::vector<std::unique_ptr<Record>> batch_;
  std::size_t sent_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) {
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  }
  const auto lines = static_cast<std::size_t>(600'000 * scale);
  const std::size_t rounds = 50;
  Shipper shipper;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = lines * round / rounds; i < lines * (round + 1) / rounds; ++i) shipper.line(i);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / rounds));
  }
  shipper.ship();
  std::cout << shipper.sent() << " bytes sent\n";
}

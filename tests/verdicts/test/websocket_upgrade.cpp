// A server of short connections, some of which upgrade to a stream of messages. The handler of an upgraded connection
// is a closure that owns the connection, and the connection owns its handler; closing takes it out of the table only.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <time.h>

using Handler = std::function<void(std::string_view)>;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(int id) : peer_("198.51.100." + std::to_string(id % 255) + ":" + std::to_string(30000 + id)) {}

  void upgrade(std::size_t inbox) {
    inbox_.reserve(inbox);
    on_message_ = [self = shared_from_this()](std::string_view message) {
      if (self->inbox_.size() + message.size() > self->inbox_.capacity()) self->inbox_.clear();
      self->inbox_.insert(self->inbox_.end(), message.begin(), message.end());
    };
  }

  void receive(std::string_view message) {
    if (on_message_) on_message_(message);
    bytes_ += message.size();
  }

  std::size_t bytes() const { return bytes_ + peer_.size(); }

 private:
  std::string peer_;
  Handler on_message_;
  std::vector<char> inbox_;
  std::size_t bytes_ = 0;
};

class Server {
 public:
  explicit Server(double scale) : inbox_(static_cast<std::size_t>(4096 * scale)) {
    for (int i = 0; i < 2000 * scale; ++i) mime_types_["type/" + std::to_string(i)] = std::string(60, 'm');
  }

  void open(int id) {
    auto connection = std::make_shared<Connection>(id);
    if (random_() % 4 == 0) connection->upgrade(inbox_);
    table_.emplace(id, std::move(connection));
  }

  void serve(int id) {
    Connection& connection = *table_.at(id);
    for (unsigned i = 0; i < 12; ++i) {
      const std::string message(40 + random_() % 200, static_cast<char>('a' + i));
      connection.receive(message);
      auto type = mime_types_.find("type/" + std::to_string(random_() % 3000));
      total_ += type == mime_types_.end() ? 0 : type->second.size();
    }
  }

  void close(int id) {
    total_ += table_.at(id)->bytes();
    table_.erase(id);
  }

  std::size_t total() const { return total_; }

 private:
  std::size_t inbox_;
  std::size_t total_ = 0;
  std::mt19937 random_{4};
  std::unordered_map<int, std::shared_ptr<Connection>> table_;
  std::unordered_map<std::string, std::string> mime_types_;
};

int main(int argc, char** argv) {
  double scale = 1.0, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--scale") scale = std::stod(argv[i + 1]);
    if (flag == "--seconds") seconds = std::stod(argv[i + 1]);
  }
  constexpr int kTicks = 75;
  constexpr int kPerTick = 40;
  auto server = std::make_unique<Server>(scale);
  int next = 0;
  for (int tick = 0; tick < kTicks; ++tick) {
    std::vector<int> ids(kPerTick);
    std::iota(ids.begin(), ids.end(), next);
    next += kPerTick;
    for (int id : ids) server->open(id);
    for (int id : ids) server->serve(id);
    for (int id : ids) server->close(id);
    const double pause = seconds / kTicks;
    timespec wait{static_cast<time_t>(pause), static_cast<long>((pause - static_cast<time_t>(pause)) * 1e9)};
    nanosleep(&wait, nullptr);
  }
  std::printf("%zu\n", server->total());
  server.reset();
}

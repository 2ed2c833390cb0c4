// A desktop with an event bus: panels subscribe when they open, and show what comes until they are closed.
//
// Closing a panel does not take its subscription off the bus, and the callback shares the panel's model. More panels
// are opened in every round than in the one before, so that what is held grows faster and faster.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace desktop {

struct Event {
  int number;
};

class Bus {
 public:
  using Handler = std::function<void(const Event&)>;
  void subscribe(Handler handler) { handlers_.push_back(std::move(handler)); }
  void publish(const Event& event) const {
    for (const Handler& handler : handlers_) handler(event);
  }

 private:
  std::vector<Handler> handlers_;
};

struct Model {
  std::vector<std::string> rows;
  std::vector<int> values;
  long seen = 0;
};

class Panel {
 public:
  Panel(Bus& bus, int number) : model_(std::make_shared<Model>()) {
    for (int row = 0; row < 30; ++row) {
      model_->rows.push_back("row " + std::to_string(row) + " of the panel " + std::to_string(number) +
                             " on the desktop");
    }
    model_->values.resize(500);
    std::iota(model_->values.begin(), model_->values.end(), number);
    bus.subscribe([model = model_](const Event& event) { model->seen += model->values[event.number % 500]; });
  }
  [[nodiscard]] long seen() const { return model_->seen; }

 private:
  std::shared_ptr<Model> model_;
};

}  // namespace desktop

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  constexpr int kRounds = 54;
  auto bus = std::make_unique<desktop::Bus>();
  long seen = 0;
  for (int round = 0; round < kRounds; ++round) {
    const int open = static_cast<int>((6 + round * 0.8) * scale);
    std::vector<std::unique_ptr<desktop::Panel>> panels;
    panels.reserve(static_cast<std::size_t>(open));
    for (int i = 0; i < open; ++i) panels.push_back(std::make_unique<desktop::Panel>(*bus, i));
    for (int event = 0; event < 4; ++event) bus->publish({round * 4 + event});
    for (const auto& panel : panels) seen += panel->seen();
    panels.clear();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("seen %ld\n", seen);
  std::exit(0);
}

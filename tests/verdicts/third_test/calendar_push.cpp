// A calendar server: clients subscribe to calendars, change events and go away. The subscriptions of a client that went
// stay with the calendar, and on some days far more clients come than on others.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>

namespace {

using Callback = std::function<void(const std::string&)>;

class Calendar {
 public:
  void subscribe(Callback callback) { subscribers_.push_back(std::move(callback)); }

  void change(int hour, std::string title) {
    const auto at = events_.find(hour);
    if (at != events_.end()) events_.erase(at);
    for (int notified = 0; const Callback& callback : subscribers_)
      if (++notified > 50) {
        break;  // the others are told by the next poll
      } else {
        callback(title);
      }
    events_.emplace(hour, std::move(title));
  }

 private:
  std::multimap<int, std::string> events_;
  std::list<Callback> subscribers_;
};

struct Client {
  std::string name;
  std::size_t told = 0;
};

class Server {
 public:
  void visit(unsigned id, std::mt19937& random) {
    Client client{"client " + std::to_string(id)};
    clients_[id] = client;
    for (int i = 0; i < 3; ++i) {
      Calendar& calendar = calendars_["calendar " + std::to_string(random() % 30)];
      std::string address = "https://push.example/" + std::string(60 + random() % 120, 'p') + client.name;
      calendar.subscribe([this, id, address = std::move(address)](const std::string& title) {
        const auto found = clients_.find(id);
        if (found != clients_.end()) found->second.told += title.size() + address.size();
      });
      calendar.change(static_cast<int>(random() % 200), "meeting of " + client.name + " in the large room");
    }
    clients_.erase(id);
  }

 private:
  std::unordered_map<unsigned, Client> clients_;
  std::map<std::string, Calendar> calendars_;
};

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  static Server server;
  std::mt19937 random(365);
  constexpr int kDays = 70;
  unsigned id = 0;
  for (int day = 0; day < kDays; ++day) {
    const int visits = static_cast<int>(scale * (day % 6 == 5 ? 700 : 80 + static_cast<int>(random() % 160)));
    for (int i = 0; i < visits; ++i) server.visit(++id, random);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kDays));
  }
  std::printf("%u\n", id);
}

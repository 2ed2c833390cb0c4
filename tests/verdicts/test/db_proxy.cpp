// A database proxy. Results are cached, the least recently used falls out. Statements that a client prepares are kept
// by connection, and a connection that ends takes itself off the list of clients but leaves its statements.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <unistd.h>

namespace proxy {

class Result_cache {
 public:
  explicit Result_cache(std::size_t capacity) : capacity_{capacity} {}

  const std::vector<char>* find(const std::string& query) {
    auto found = index_.find(query);
    if (found == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->second;
  }

  void insert(const std::string& query, std::vector<char> rows) {
    used_ += rows.size();
    order_.emplace_front(query, std::move(rows));
    index_[query] = order_.begin();
    while (used_ > capacity_) {
      used_ -= order_.back().second.size();
      index_.erase(order_.back().first);
      order_.pop_back();
    }
  }

 private:
  using Entry = std::pair<std::string, std::vector<char>>;
  std::size_t capacity_;
  std::size_t used_ = 0;
  std::list<Entry> order_;
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
};

struct Statement {
  std::string sql;
  std::vector<std::uint16_t> parameter_types;
};

struct Server {
  explicit Server(double scale) : results{static_cast<std::size_t>(6e6 * scale)} {}
  Result_cache results;
  std::unordered_map<std::uint64_t, std::vector<Statement>> prepared;
  std::deque<std::uint64_t> clients;
  std::uint64_t next_client = 1;
  std::uint32_t seed = 9;
  std::size_t answered = 0;

  std::uint32_t random(std::uint32_t below) {
    seed = seed * 747796405u + 2891336453u;
    return ((seed >> ((seed >> 28) + 4)) ^ seed) % below;
  }
};

void connect(Server& server) {
  const std::uint64_t id = server.next_client++;
  server.clients.push_back(id);
  auto& statements = server.prepared[id];
  for (std::uint32_t i = 0, count = 2 + server.random(4); i < count; ++i) {
    statements.push_back({"SELECT id, name, price FROM items_" + std::to_string(server.random(40)) +
                              " WHERE tenant = $1 AND id IN ($2, $3, $4) ORDER BY price LIMIT 100",
                          {23, 23, 25, 1043}});
  }
  if (server.clients.size() > 60) server.clients.pop_front();
}

void query(Server& server, std::uint32_t keys) {
  const std::uint32_t key = std::min(server.random(keys), server.random(keys));
  const std::string text = "SELECT * FROM items WHERE id = " + std::to_string(key) + " AND shard = 'main'";
  if (const auto* rows = server.results.find(text)) {
    server.answered += rows->size();
    return;
  }
  std::vector<char> rows(600 + key % 1000, 'r');
  server.answered += rows.size();
  server.results.insert(text, std::move(rows));
}

}  // namespace proxy

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view{argv[i]} == "--scale") scale = std::stod(argv[i + 1]);
    if (std::string_view{argv[i]} == "--seconds") seconds = std::stod(argv[i + 1]);
  }
  static auto* const server = new proxy::Server(scale);
  constexpr int rounds = 100;
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 60 * scale; ++i) proxy::connect(*server);
    for (int i = 0; i < 900 * scale; ++i) proxy::query(*server, static_cast<std::uint32_t>(20000 * scale));
    usleep(static_cast<unsigned>(seconds * 1e6 / rounds));
  }
  std::printf("%zu bytes answered\n", server->answered);
  std::exit(0);
}

// A planner of routes. In the first part of the run it answers from a table; then the map changes, and one large search
// is made with a label for every place that it touches; the labels are all deleted when the route is known. The route
// was made last and stands behind them in memory. For the rest of the run it answers from the table again.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <queue>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Label {
  int x, y;
  int cost;
  Label* from;
  int history[14];
};

struct Farther {
  bool operator()(const Label* a, const Label* b) const { return a->cost > b->cost; }
};

struct Place {
  int x, y;
};

int cost_of(int x, int y) {
  const unsigned noise = (static_cast<unsigned>(x) * 73856093u) ^ (static_cast<unsigned>(y) * 19349663u);
  return 1 + static_cast<int>(noise % 9 * (static_cast<unsigned>(x + y) % 3));
}

std::vector<Place>* search(int size, const std::function<void()>& breathe) {
  std::vector<Label*> all;
  all.reserve(static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
  std::vector<char> settled(static_cast<std::size_t>(size) * static_cast<std::size_t>(size), 0);
  std::priority_queue<Label*, std::vector<Label*>, Farther> open;
  auto add = [&](int x, int y, int cost, Label* from) {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    char& mark = settled[static_cast<std::size_t>(y) * static_cast<std::size_t>(size) + static_cast<std::size_t>(x)];
    if (mark != 0) return;
    mark = 1;
    all.push_back(new Label{x, y, cost, from, {x, y, cost}});
    open.push(all.back());
  };
  add(0, 0, 0, nullptr);
  const Label* goal = nullptr;
  for (int steps = 0; !open.empty(); ++steps) {
    Label* label = open.top();
    open.pop();
    goal = label;
    add(label->x + 1, label->y, label->cost + cost_of(label->x + 1, label->y), label);
    add(label->x, label->y + 1, label->cost + cost_of(label->x, label->y + 1), label);
    add(label->x - 1, label->y, label->cost + cost_of(label->x - 1, label->y), label);
    if (steps % (size * size / 20 + 1) == 0) breathe();
  }
  auto* route = new std::vector<Place>;
  route->reserve(200);
  for (; goal != nullptr && route->size() < 200; goal = goal->from) route->push_back({goal->x, goal->y});
  for (Label* label : all) delete label;
  return route;
}

// The route of the day.
const std::vector<Place>* current_route;

std::size_t answer(int from, const std::vector<std::string>& table) {
  std::string reply = "{\"route\": [";
  for (int i = 0; i < 12; ++i) reply += '"' + table[static_cast<std::size_t>(from * 31 + i) % table.size()] + "\", ";
  return reply.size();
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 1.0;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::strtod(argv[i + 1], nullptr);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::strtod(argv[i + 1], nullptr);
  }
  static std::vector<std::string> table;
  for (int i = 0; i < 500; ++i) table.push_back("crossing of street " + std::to_string(i) + " and another one");
  std::size_t replied = 0;
  int request = 0;
  auto serve = [&](int requests) {
    for (int i = 0; i < requests; ++i) replied += answer(request++, table);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / 100));
  };
  for (int i = 0; i < 20; ++i) serve(600);
  int size = 1;
  while (size * size < 300'000 * scale) ++size;
  current_route = search(size, [&] { serve(100); });
  for (int i = 0; i < 60; ++i) serve(1000);
  std::printf("%zu places, %zu bytes\n", current_route->size(), replied);
}

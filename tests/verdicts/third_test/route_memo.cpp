// A route planner: the tree of shortest ways from a crossing is expensive, so the last few hundred trees are kept, in
// the order of their use. The limit is reached well after the first rush of requests.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <queue>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

struct Road {
  int to;
  float length;
};

struct Tree {
  int root;
  std::vector<float> distance;
};

class Planner {
 public:
  Planner(int crossings, std::size_t limit) : roads_(static_cast<std::size_t>(crossings)), limit_(limit) {
    std::mt19937 random(6);
    for (int from = 0; from < crossings; ++from)
      for (int i = 0; i < 2; ++i)
        roads_[static_cast<std::size_t>(from)].push_back(
            {(from + 1 + static_cast<int>(random() % 40)) % crossings, 1 + static_cast<float>(random() % 9)});
  }

  float distance(int from, int to) {
    auto found = index_.find(from);
    if (found != index_.end()) {
      trees_.splice(trees_.begin(), trees_, found->second);
    } else {
      trees_.push_front(search(from));
      index_[from] = trees_.begin();
      if (trees_.size() > limit_) {
        index_.erase(trees_.back().root);
        trees_.pop_back();
      }
    }
    return trees_.front().distance[static_cast<std::size_t>(to)];
  }

 private:
  Tree search(int root) const {
    Tree tree{root, std::vector<float>(roads_.size(), 1e9f)};
    using Item = std::pair<float, int>;
    std::priority_queue<Item, std::vector<Item>, std::greater<>> open;
    tree.distance[static_cast<std::size_t>(root)] = 0;
    open.emplace(0.f, root);
    while (!open.empty()) {
      const auto [length, at] = open.top();
      open.pop();
      if (length > tree.distance[static_cast<std::size_t>(at)]) continue;
      for (const Road& road : roads_[static_cast<std::size_t>(at)]) {
        float& known = tree.distance[static_cast<std::size_t>(road.to)];
        if (length + road.length < known) {
          known = length + road.length;
          open.emplace(known, road.to);
        }
      }
    }
    return tree;
  }

  std::vector<std::vector<Road>> roads_;
  std::list<Tree> trees_;
  std::unordered_map<int, std::list<Tree>::iterator> index_;
  std::size_t limit_;
};

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.7;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kRounds = 60;
  constexpr int kCrossings = 2000;
  const int requests = static_cast<int>(20 * scale);
  Planner planner(kCrossings, static_cast<std::size_t>(kRounds * requests * 2 / 5 * 7 / 10));
  std::mt19937 random(60);
  double total = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < requests; ++i) {
      const bool popular = random() % 4 == 0;
      const int from = static_cast<int>(random() % (popular ? 20u : kCrossings));
      total += static_cast<double>(planner.distance(from, static_cast<int>(random() % kCrossings)));
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("%.0f\n", total);
}

// A theorem prover: derives clauses from the given ones, keeps the best and deletes the rest of its database now and
// then. A derived clause that turns out to be a tautology is deleted without its literals.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace {

struct Clause {
  int* literals;
  int length;
  unsigned weight;  // the lighter, the better
};

class Prover {
 public:
  explicit Prover(int axioms) {
    for (int i = 0; i < axioms; ++i) kept_.push_back(fresh(20 + pick(20)));
    limit_ = kept_.size() * 5 / 4;
  }
  Prover(const Prover&) = delete;
  Prover& operator=(const Prover&) = delete;
  ~Prover() {
    for (Clause* clause : kept_) drop(clause);
  }

  void derive() {
    const Clause* left = kept_[static_cast<std::size_t>(pick(static_cast<int>(kept_.size())))];
    const Clause* right = kept_[static_cast<std::size_t>(pick(static_cast<int>(kept_.size())))];
    Clause* resolvent = fresh(std::min(40, 4 + pick(left->length) + pick(right->length)));
    ++derived_;
    if (tautology(*resolvent)) {
      delete resolvent;
      return;
    }
    if (resolvent->weight % 4 == 0) {
      kept_.push_back(resolvent);
    } else {
      drop(resolvent);
    }
    if (kept_.size() > limit_) reduce();
  }

  unsigned long derived() const { return derived_; }

 private:
  int pick(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

  Clause* fresh(int length) {
    auto* clause = new Clause{new int[static_cast<std::size_t>(length)], length, 0};
    for (int i = 0; i < length; ++i) {
      clause->literals[i] = pick(1600) - 800;
      clause->weight = clause->weight * 31 + static_cast<unsigned>(clause->literals[i]);
    }
    return clause;
  }

  static bool tautology(const Clause& clause) {
    for (int i = 0; i < clause.length; ++i)
      for (int j = 0; j < i; ++j)
        if (clause.literals[i] == -clause.literals[j]) return true;
    return false;
  }

  static void drop(Clause* clause) {
    delete[] clause->literals;
    delete clause;
  }

  void reduce() {
    auto middle = kept_.begin() + static_cast<std::ptrdiff_t>(kept_.size() * 4 / 5);
    std::nth_element(kept_.begin(), middle, kept_.end(),
                     [](const Clause* a, const Clause* b) { return a->weight < b->weight; });
    std::for_each(middle, kept_.end(), drop);
    kept_.erase(middle, kept_.end());
  }

  std::vector<Clause*> kept_;
  std::size_t limit_ = 0;
  unsigned long derived_ = 0;
  std::mt19937 random_{4};
};

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kRounds = 50;
  Prover prover(static_cast<int>(4000 * scale));
  for (int round = 0; round < kRounds; ++round) {
    const int inferences = static_cast<int>(scale * (6000 + 3000 * (round % 3)));
    for (int i = 0; i < inferences; ++i) prover.derive();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("%lu\n", prover.derived());
}

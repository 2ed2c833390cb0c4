// One thread that minimises two-level logic: lists of small sets of bits, made and dropped along a deep recursion.
//
//   espresso_like [FUNCTIONS]     minimises FUNCTIONS random functions (default 60) and checks each; the work is fixed
//
// The heuristic of espresso (Brayton, Hachtel, McMullen, Sangiovanni-Vincentelli, Logic minimization algorithms for
// VLSI synthesis, 1984): expand each cube against the complement, drop redundant ones, reduce, until nothing is gained;
// complement and tautology test split the cover by a variable, down to covers that are decided.

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <utility>
#include <vector>

namespace {

constexpr size_t kVariables = 20;
constexpr size_t kCubes = 34;
constexpr size_t kVariablesPerWord = 8;

// A product of literals: two bits per variable say whether it may be 0 (the lower one) and 1; both in a free variable.
class Cube {
 public:
  Cube() : words_((kVariables + kVariablesPerWord - 1) / kVariablesPerWord, 0xffff) {}

  unsigned get(size_t variable) const {
    return words_[variable / kVariablesPerWord] >> variable % kVariablesPerWord * 2 & 3U;
  }

  void set(size_t variable, unsigned values) {
    const size_t shift = variable % kVariablesPerWord * 2;
    uint16_t& word = words_[variable / kVariablesPerWord];
    word = static_cast<uint16_t>((word & ~(3U << shift)) | values << shift);
  }

  bool is_universal() const {
    return std::ranges::all_of(words_, [](uint16_t word) { return word == 0xffff; });
  }

  bool contains(const Cube& other) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      if ((other.words_[i] & ~words_[i]) != 0) return false;
    }
    return true;
  }

  bool intersects(const Cube& other) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      const unsigned both = words_[i] & other.words_[i];
      if (((both | both >> 1) & 0x5555) != 0x5555) return false;
    }
    return true;
  }

  // What remains of this cube in the part of the space that the other one is, seen as a space of its own.
  Cube cofactor(const Cube& other) const {
    Cube result;
    for (size_t i = 0; i < words_.size(); ++i) result.words_[i] = static_cast<uint16_t>(words_[i] | ~other.words_[i]);
    return result;
  }

  Cube intersection(const Cube& other) const {
    Cube result;
    for (size_t i = 0; i < words_.size(); ++i) result.words_[i] = words_[i] & other.words_[i];
    return result;
  }

  // The smallest cube that contains both.
  Cube supercube(const Cube& other) const {
    Cube result;
    for (size_t i = 0; i < words_.size(); ++i) result.words_[i] = words_[i] | other.words_[i];
    return result;
  }

  bool operator==(const Cube&) const = default;

 private:
  std::vector<uint16_t> words_;
};

using Cover = std::list<Cube>;

Cube literal(size_t variable, unsigned values) {
  Cube cube;
  cube.set(variable, values);
  return cube;
}

// The parts of the space that a variable splits.
Cover halves(size_t variable) { return {literal(variable, 1), literal(variable, 2)}; }

Cover cofactor(const Cover& cover, const Cube& cube) {
  Cover result;
  for (const Cube& one : cover) {
    if (one.intersects(cube)) result.push_back(one.cofactor(cube));
  }
  return result;
}

// The variable that most cubes fix, and best to both values.
size_t splitting_variable(const Cover& cover) {
  std::vector<std::pair<unsigned, unsigned>> fixed(kVariables);  // How many cubes need 0, and 1.
  for (const Cube& cube : cover) {
    for (size_t i = 0; i < kVariables; ++i) {
      fixed[i].first += cube.get(i) == 1;
      fixed[i].second += cube.get(i) == 2;
    }
  }
  const auto score = [](const std::pair<unsigned, unsigned>& one) {
    return std::pair(std::min(one.first, one.second), one.first + one.second);
  };
  return static_cast<size_t>(std::ranges::max_element(fixed, {}, score) - fixed.begin());
}

bool has_universal_cube(const Cover& cover) { return std::ranges::any_of(cover, &Cube::is_universal); }

bool is_tautology(const Cover& cover) {
  if (cover.empty()) return false;
  if (has_universal_cube(cover)) return true;
  if (cover.size() == 1) return false;
  const Cover parts = halves(splitting_variable(cover));
  return is_tautology(cofactor(cover, parts.front())) && is_tautology(cofactor(cover, parts.back()));
}

// The complement of one cube: De Morgan.
Cover complement(const Cube& cube) {
  Cover result;
  for (size_t i = 0; i < kVariables; ++i) {
    if (cube.get(i) != 3) result.push_back(literal(i, 3 - cube.get(i)));
  }
  return result;
}

// Joins the complements of both halves; a cube of both does not need the variable.
Cover merge(Cover zero, Cover one, size_t variable) {
  Cover result;
  for (Cube& cube : zero) {
    const auto same = std::ranges::find(one, cube);
    if (same != one.end()) {
      result.splice(result.end(), one, same);
    } else {
      result.push_back(cube.intersection(literal(variable, 1)));
    }
  }
  for (const Cube& cube : one) result.push_back(cube.intersection(literal(variable, 2)));
  return result;
}

Cover complement(const Cover& cover) {
  if (cover.empty()) return {Cube()};
  if (has_universal_cube(cover)) return {};
  if (cover.size() == 1) return complement(cover.front());
  const size_t variable = splitting_variable(cover);
  const Cover parts = halves(variable);
  Cover zero = complement(cofactor(cover, parts.front()));
  Cover one = complement(cofactor(cover, parts.back()));
  return merge(std::move(zero), std::move(one), variable);
}

// Frees every variable of every cube that may be free without meeting the complement.
Cover expand(const Cover& cover, const Cover& off) {
  Cover result;
  for (const Cube& cube : cover) {
    if (std::ranges::any_of(result, [&](const Cube& other) { return other.contains(cube); })) continue;
    Cube grown = cube;
    for (size_t i = 0; i < kVariables; ++i) {
      Cube candidate = grown;
      candidate.set(i, 3);
      if (std::ranges::none_of(off, [&](const Cube& other) { return other.intersects(candidate); })) {
        grown = std::move(candidate);
      }
    }
    result.remove_if([&](const Cube& other) { return grown.contains(other); });
    result.push_back(std::move(grown));
  }
  return result;
}

// Drops each cube that the others cover.
Cover irredundant(Cover cover) {
  for (size_t left = cover.size(); left > 0; --left) {
    Cover current;
    current.splice(current.end(), cover, cover.begin());
    if (!is_tautology(cofactor(cover, current.front()))) cover.splice(cover.end(), current);
  }
  return cover;
}

// Shrinks each cube to what the others do not cover, so that it can expand in another direction.
Cover reduce(Cover cover) {
  for (size_t left = cover.size(); left > 0; --left) {
    const Cube cube = cover.front();
    cover.pop_front();
    const Cover alone = complement(cofactor(cover, cube));
    if (alone.empty()) continue;
    Cube hull = alone.front();
    for (const Cube& one : alone) hull = hull.supercube(one);
    cover.push_back(cube.intersection(hull));
  }
  return cover;
}

Cover minimize(const Cover& cover) {
  const Cover off = complement(cover);
  Cover best = irredundant(expand(cover, off));
  for (;;) {
    Cover next = irredundant(expand(reduce(best), off));
    if (next.size() >= best.size()) return best;
    best = std::move(next);
  }
}

Cover random_cover(uint64_t& random) {
  Cover cover;
  for (size_t i = 0; i < kCubes; ++i) {
    Cube cube;
    for (size_t variable = 0; variable < kVariables; ++variable) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      cube.set(variable, std::min(1 + static_cast<unsigned>((random >> 33) % 6), 3U));
    }
    cover.push_back(std::move(cube));
  }
  return cover;
}

// Neither cover has a point that the other does not have.
bool are_equal(const Cover& left, const Cover& right) {
  const auto covered = [](const Cover& cover, const Cover& by) {
    return std::ranges::all_of(cover, [&](const Cube& cube) { return is_tautology(cofactor(by, cube)); });
  };
  return covered(left, right) && covered(right, left);
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t functions = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 60;
  uint64_t random = 1;
  size_t cubes = 0;
  for (uint64_t i = 0; i < functions; ++i) {
    const Cover cover = random_cover(random);
    const Cover minimal = minimize(cover);
    if (!are_equal(cover, minimal)) return 1;
    cubes += minimal.size();
  }
  std::printf("%" PRIu64 " functions, %zu cubes\n", functions, cubes);
}

// A ray tracer that imports a scene: the file's elements become a tree of small nodes and a table of names, which are
// converted to a compact mesh and freed. The statistics of the import are written behind them. Then frames are drawn.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Node {
  std::string material;
  double position[3];
  Node *child, *sibling;
};

struct Mesh {
  std::vector<float> vertices;
  std::string statistics;
};

Mesh mesh;
uint32_t seed = 3377;

uint32_t random_number() {
  seed = seed * 134775813 + 1;
  return seed >> 8;
}

class Importer {
 public:
  void read(int elements) {
    for (int i = 0; i < elements; ++i) {
      auto* node = new Node{"material of element " + std::to_string(random_number() % 1000), {}, nullptr, root_};
      for (double& axis : node->position) axis = random_number() % 1000 * 0.1;
      if (root_ && i % 5 != 0) {
        node->sibling = root_->child;
        root_->child = node;
      } else {
        root_ = node;
      }
      const uint32_t id = random_number();
      names_.emplace(id, std::string(20 + random_number() % 60, 'n'));
      ++count_;
    }
  }

  void convert(Mesh& mesh) {
    mesh.vertices.reserve(count_ / 2);
    for (const Node* node = root_; node; node = node->sibling)
      mesh.vertices.push_back(static_cast<float>(node->position[0]));
    mesh.statistics = "elements: " + std::to_string(count_) + std::string(1500, '.');
  }

  void free_all() {
    free_nodes(root_);
    root_ = nullptr;
    names_.clear();
  }

 private:
  static void free_nodes(Node* node) {
    while (node) {
      free_nodes(node->child);
      Node* next = node->sibling;
      delete node;
      node = next;
    }
  }

  Node* root_ = nullptr;
  std::map<uint32_t, std::string> names_;
  size_t count_ = 0;
};

Importer importer;

double draw(size_t width) {
  std::vector<float> row(width);
  for (size_t x = 0; x < width; ++x) row[x] = std::sqrt(mesh.vertices[(x * 97) % mesh.vertices.size()]);
  return static_cast<double>(row[width / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kRounds = 80, kImport = 24;
  double sum = 0;
  for (int round = 0; round < kRounds; ++round) {
    if (round < kImport) {
      importer.read(static_cast<int>((4000 + random_number() % 3000) * scale));
    } else if (round == kImport) {
      importer.convert(mesh);
      importer.free_all();
    } else {
      for (int row = 0; row < 200; ++row) sum += draw(60 + random_number() % 120);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("%zu vertices, %.1f\n", mesh.vertices.size(), sum);
  return 0;
}

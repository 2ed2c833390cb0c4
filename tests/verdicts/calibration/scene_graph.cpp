// A viewer: every step loads a scene, lays it out and throws it away again.
//
// Children own their parents as parents own their children (shared_ptr both ways), so that dropping the root frees
// nothing, unless the scene was closed properly, which dismantles it: every third one is.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kSteps = 45;

class Node {
 public:
  explicit Node(std::string name) : name_(std::move(name)), texture_(600, static_cast<unsigned char>(name_.size())) {}

  static void attach(const std::shared_ptr<Node>& parent, const std::shared_ptr<Node>& child) {
    child->parent_ = parent;
    parent->children_.push_back(child);
  }

  void dismantle() {
    for (auto& child : children_) {
      child->dismantle();
      child->parent_.reset();
    }
    children_.clear();
  }

  [[nodiscard]] std::size_t layout() const {
    std::size_t area = texture_.size() + texture_[texture_.size() / 2];
    for (const auto& child : children_) area += child->layout();
    return area;
  }

 private:
  std::string name_;
  std::vector<unsigned char> texture_;
  std::shared_ptr<Node> parent_;
  std::vector<std::shared_ptr<Node>> children_;
};

std::shared_ptr<Node> load_scene(int step, int groups) {
  auto root = std::make_shared<Node>("scene " + std::to_string(step));
  for (int g = 0; g < groups; ++g) {
    auto group = std::make_shared<Node>("a group of meshes, number " + std::to_string(g));
    Node::attach(root, group);
    for (int m = 0; m < 7; ++m) {
      Node::attach(group, std::make_shared<Node>("a mesh in the group, number " + std::to_string(m)));
    }
  }
  return root;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.5;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  std::size_t area = 0;
  for (int step = 0; step < kSteps; ++step) {
    auto scene = load_scene(step, static_cast<int>(40 * scale));
    area += scene->layout();
    if (step % 3 == 2) scene->dismantle();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kSteps));
  }
  std::printf("area %zu\n", area);
}

// A 3D modelling program: strokes of a brush move vertices, and each stroke pushes what it replaced on the undo stack.
// The stack has no limit; it is thrown away with the document at the end.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <stack>
#include <thread>
#include <vector>

#include "tidemark.h"

struct Vertex {
  float x, y, z;
};

struct Edit {
  virtual ~Edit() = default;
  virtual void undo(std::vector<Vertex>& mesh) const = 0;
};

class BrushStroke final : public Edit {
 public:
  BrushStroke(std::size_t first, const Vertex* begin, const Vertex* end) : first_(first), before_(begin, end) {}
  void undo(std::vector<Vertex>& mesh) const override {
    for (std::size_t i = 0; i < before_.size(); ++i) mesh[first_ + i] = before_[i];
  }

 private:
  std::size_t first_;
  std::vector<Vertex> before_;
};

class Document {
 public:
  explicit Document(std::size_t vertices) : mesh_(vertices) {
    for (std::size_t i = 0; i < vertices; ++i) mesh_[i] = {static_cast<float>(i), 0, 1};
  }

  void stroke(std::size_t first, std::size_t count, float pressure) {
    const std::vector<Vertex> normals = normals_of(first, count);
    undo_.push(std::make_unique<BrushStroke>(first, &mesh_[first], &mesh_[first] + count));
    for (std::size_t i = 0; i < count; ++i) {
      mesh_[first + i].y += pressure * normals[i].y;
      mesh_[first + i].z += pressure * normals[i].z;
    }
  }

  void undo() {
    if (undo_.empty()) return;
    undo_.top()->undo(mesh_);
    undo_.pop();
  }

  std::size_t size() const { return mesh_.size(); }
  float height() const { return mesh_[mesh_.size() / 2].y; }

 private:
  std::vector<Vertex> normals_of(std::size_t first, std::size_t count) const {
    std::vector<Vertex> normals(count);
    for (std::size_t i = 0; i < count; ++i) {
      const Vertex& at = mesh_[first + i];
      const float length = std::sqrt(at.x * at.x + at.y * at.y + at.z * at.z) + 1e-6f;
      normals[i] = {at.x / length, at.y / length + .1f, at.z / length};
    }
    return normals;
  }

  std::vector<Vertex> mesh_;
  std::stack<std::unique_ptr<Edit>> undo_;
};

int main(int argc, char** argv) {
  double scale = 1, seconds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  Document document(static_cast<std::size_t>(100000 * scale));
  std::mt19937 random(8);
  constexpr int kSittings = 36;
  for (int sitting = 0; sitting < kSittings; ++sitting) {
    const int strokes = 30 + static_cast<int>(random() % 60);
    for (int i = 0; i < strokes; ++i) {
      const auto count = static_cast<std::size_t>(scale * (300 + static_cast<double>(random() % 900)));
      document.stroke(random() % (document.size() - count), count, .01f * static_cast<float>(i));
      if (random() % 10 == 0) document.undo();
    }
    tidemark_mark("saved");
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kSittings));
  }
  std::printf("%.3f\n", static_cast<double>(document.height()));
}

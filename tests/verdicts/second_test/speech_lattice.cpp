// A speech recognizer: for each utterance a lattice of hypotheses. A hypothesis owns its successors, and its best
// predecessor for the way back. Short utterances are taken apart after their result was read, the others are dropped.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

class Hypothesis {
 public:
  Hypothesis(int word, std::vector<float> scores) : word_(word), scores_(std::move(scores)) {}

  void follow(const std::shared_ptr<Hypothesis>& successor) { successors_.push_back(successor); }
  void back_to(std::shared_ptr<Hypothesis> predecessor) { predecessor_ = std::move(predecessor); }
  const std::shared_ptr<Hypothesis>& predecessor() const { return predecessor_; }
  float score() const { return scores_[static_cast<size_t>(word_) % scores_.size()]; }
  int word() const { return word_; }

  void take_apart() {
    successors_.clear();
    predecessor_.reset();
  }

 private:
  int word_;
  std::vector<float> scores_;
  std::vector<std::shared_ptr<Hypothesis>> successors_;
  std::shared_ptr<Hypothesis> predecessor_;
};

struct Model {
  std::vector<std::vector<float>> rows;
};

static std::unique_ptr<Model> model;
static std::mt19937 generator(60601);

static std::vector<float> score_frame(size_t dimensions) {
  std::vector<float> frame(dimensions);
  const std::vector<float>& row = model->rows[generator() % model->rows.size()];
  for (size_t i = 0; i < dimensions; ++i) frame[i] = row[i % row.size()] * static_cast<float>(i + 1);
  return frame;
}

static std::string recognize(int frames) {
  constexpr int kBeam = 3;
  std::vector<std::vector<std::shared_ptr<Hypothesis>>> lattice;
  for (int frame = 0; frame < frames; ++frame) {
    std::vector<std::shared_ptr<Hypothesis>> column;
    for (int i = 0; i < kBeam; ++i) {
      const auto word = static_cast<int>(generator() % 5000);
      const size_t dimensions = 48 + generator() % 96;
      auto hypothesis = std::make_shared<Hypothesis>(word, score_frame(dimensions));
      if (frame > 0) {
        const auto& before = lattice.back();
        for (const auto& one : before) one->follow(hypothesis);
        hypothesis->back_to(before[generator() % kBeam]);
      }
      column.push_back(std::move(hypothesis));
    }
    lattice.push_back(std::move(column));
  }
  std::string text;
  float score = 0;
  for (auto at = lattice.back().front(); at; at = at->predecessor()) {
    text.insert(0, std::to_string(at->word()) + " ");
    score += at->score();
  }
  if (frames < 25)
    for (const auto& column : lattice)
      for (const auto& one : column) one->take_apart();
  return text + std::to_string(score);
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  model = std::make_unique<Model>();
  for (int i = 0; i < static_cast<int>(1500 * scale); ++i)
    model->rows.emplace_back(512, 1.0F / static_cast<float>(i + 1));

  constexpr int kRounds = 70;
  size_t characters = 0;
  for (int round = 0; round < kRounds; ++round) {
    const int utterances = std::max(1, static_cast<int>(2 * scale));
    for (int i = 0; i < utterances; ++i) characters += recognize(static_cast<int>(10 + generator() % 50)).size();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("%zu characters recognized\n", characters);
}

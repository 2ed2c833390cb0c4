// A kanban app: cards are put on a board, watched, moved and archived. A watcher's callback holds the card that it
// watches, and the card holds its watchers; archiving takes the card off the board only.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace kanban {

struct Card;

struct Watcher {
  std::string user;
  std::function<void(const std::string&)> notify;
};

struct Card {
  std::string title;
  std::string description;
  int column = 0;
  std::vector<std::shared_ptr<Watcher>> watchers;
};

class Board {
 public:
  void add(std::string title, std::size_t words, bool watched) {
    auto card = std::make_shared<Card>();
    card->title = std::move(title);
    for (std::size_t i = 0; i < words; ++i) card->description += "as a user I want ";
    if (watched) {
      auto watcher = std::make_shared<Watcher>();
      watcher->user = "user of " + card->title;
      watcher->notify = [card, this](const std::string& what) { news_ += what.size() + card->title.size(); };
      card->watchers.push_back(std::move(watcher));
    }
    cards_.push_back(std::move(card));
  }

  void move(std::size_t index) {
    Card& card = *cards_[index % cards_.size()];
    card.column = (card.column + 1) % 4;
    const std::string what = card.title + " is now in column " + std::to_string(card.column);
    for (const auto& watcher : card.watchers) watcher->notify(what);
  }

  void archive(std::size_t keep) {
    while (cards_.size() > keep) cards_.pop_front();
  }

  std::size_t news() const { return news_; }

 private:
  std::deque<std::shared_ptr<Card>> cards_;
  std::size_t news_ = 0;
};

}  // namespace kanban

int main(int argc, char** argv) {
  double scale = 1, seconds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kSprints = 40;
  kanban::Board board;
  std::mt19937 random(12);
  for (int sprint = 0; sprint < kSprints; ++sprint) {
    const int cards = static_cast<int>(scale * (60 + static_cast<int>(random() % 90)));
    for (int i = 0; i < cards; ++i) {
      const std::size_t words = 20 + random() % 200;
      board.add("card " + std::to_string(sprint * 1000 + i), words, random() % 3 == 0);
      for (int moves = 0; moves < 20; ++moves) board.move(random());
    }
    board.archive(static_cast<std::size_t>(150 * scale));
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kSprints));
  }
  std::printf("%zu\n", board.news());
}

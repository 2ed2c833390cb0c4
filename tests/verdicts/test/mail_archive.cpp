// A mail archive. An import reads messages whole, in several pieces each, and makes a small entry of the index for each
// message as it comes; when the import is done the pieces are given up. The entries stay, one in every few kilobytes,
// and are searched for the rest of the run.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

class Importer {
  struct Piece {
    Piece* next;
    std::array<char, 560> text;
  };

 public:
  struct Entry {
    std::uint32_t sender;
    std::uint32_t date;
    char subject[40];
  };

  ~Importer() { discard(); }

  void import(std::uint32_t number, std::vector<std::unique_ptr<Entry>>& index) {
    for (int i = 0; i < 5; ++i) {
      Piece* piece = new Piece;
      piece->next = pieces_;
      piece->text.fill(static_cast<char>('a' + (number + static_cast<unsigned>(i)) % 26));
      pieces_ = piece;
    }
    auto entry = std::make_unique<Entry>();
    entry->sender = number * 2654435761u % 900;
    entry->date = 1'700'000'000u + number;
    std::snprintf(entry->subject, sizeof entry->subject, "Re: %.8s (%u)", pieces_->text.data(), number);
    index.push_back(std::move(entry));
  }

  void discard() {
    while (pieces_ != nullptr) {
      Piece* next = pieces_->next;
      delete pieces_;
      pieces_ = next;
    }
  }

 private:
  Piece* pieces_ = nullptr;
};

static std::size_t search(const std::vector<std::unique_ptr<Importer::Entry>>& index, unsigned sender) {
  std::string found;
  for (const auto& entry : index) {
    if (entry->sender != sender) continue;
    found += entry->subject;
    found += '\n';
  }
  return found.size();
}

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag{argv[i]};
    if (flag == "--scale")
      scale = std::atof(argv[i + 1]);
    else if (flag == "--seconds")
      seconds = std::atof(argv[i + 1]);
  }

  const auto messages = static_cast<std::uint32_t>(11'000 * scale);
  static std::vector<std::unique_ptr<Importer::Entry>> index;
  index.reserve(messages);
  const auto pause = static_cast<useconds_t>(seconds * 1e6 / 100);
  std::size_t shown = 0;

  // Somebody looks at an empty archive; 25 steps of importing; searches.
  for (unsigned step = 0; step < 15; ++step) {
    for (unsigned i = 0; i < 200; ++i) shown += std::to_string(i * 1'000'003ull * 1'000'003ull).size();
    usleep(pause);
  }
  Importer importer;
  for (std::uint32_t step = 0; step < 25; ++step) {
    for (std::uint32_t i = messages / 25 * step; i < messages / 25 * (step + 1); ++i) importer.import(i, index);
    usleep(pause);
  }
  importer.discard();
  for (unsigned step = 0; step < 60; ++step) {
    for (unsigned i = 0; i < 12; ++i) shown += search(index, (step * 12 + i) % 900);
    for (unsigned i = 0; i < 2000; ++i) shown += std::string(100 + i % 50, 'q').find('z') != std::string::npos;
    usleep(pause);
  }
  std::printf("%zu entries, %zu bytes shown\n", index.size(), shown);
  return 0;
}

// A search service: it answers its health checks, takes in a collection of documents once, and then answers queries on
// it for the rest of its life. A static object, it is destroyed when main has returned.
//
// What the ingest built is what every query reads.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kRounds = 72;
constexpr int kFirstIngest = 12;
constexpr int kLastIngest = 24;

struct Document {
  std::string title;
  std::string text;
};

class Index {
 public:
  void add(std::unique_ptr<Document> document) {
    const auto number = static_cast<unsigned>(documents_.size());
    std::string word;
    for (const char c : document->text + ' ') {
      if (c != ' ') {
        word += c;
        continue;
      }
      auto& list = postings_[word];
      if (list.empty() || list.back() != number) list.push_back(number);
      word.clear();
    }
    documents_.push_back(std::move(document));
  }

  [[nodiscard]] std::size_t query(const std::string& word) const {
    const auto found = postings_.find(word);
    if (found == postings_.end()) return 0;
    std::vector<std::string> page;
    for (std::size_t i = 0; i < found->second.size() && i < 20; ++i) {
      page.push_back(documents_[found->second[i]]->title + ": " + documents_[found->second[i]]->text.substr(0, 60));
    }
    return page.size();
  }

 private:
  std::map<std::string, std::vector<unsigned>> postings_;
  std::vector<std::unique_ptr<Document>> documents_;
};

std::string word(unsigned number) { return "word" + std::to_string(number * 2654435761U % 7919); }

std::unique_ptr<Document> read_document(unsigned number) {
  auto document = std::make_unique<Document>();
  document->title = "document number " + std::to_string(number);
  for (unsigned i = 0; i < 80; ++i) document->text += (i == 0 ? "" : " ") + word(number * 80 + i * i);
  return document;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.7;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  static Index index;
  std::size_t hits = 0;
  unsigned ingested = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (unsigned i = 0; i < 400 * scale; ++i) hits += index.query(word(i * 7 + static_cast<unsigned>(round)));
    if (round >= kFirstIngest && round < kLastIngest) {
      for (unsigned i = 0; i < 600 * scale; ++i) index.add(read_document(ingested++));
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("hits %zu\n", hits);
}

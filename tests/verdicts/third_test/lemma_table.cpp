// A morphological analyzer: every word form of the text gets one entry with its readings. The language has only so many
// forms, so new ones become rare soon, and the text is long.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

struct Entry {
  std::string form;
  std::vector<std::string> readings;
  unsigned long seen = 0;
};

class Lexicon {
 public:
  const Entry& analyze(std::string_view form) {
    const auto found = entries_.find(form);
    if (found != entries_.end()) {
      ++found->second->seen;
      return *found->second;
    }
    auto entry = std::make_unique<Entry>();
    entry->form = form;
    for (std::size_t i = 0; i < 1 + form.size() % 4; ++i)
      entry->readings.push_back(entry->form + (i % 2 ? "+Noun+Plural+Genitive" : "+Verb+Past+Singular+First"));
    const std::string_view key = entry->form;
    return *entries_.emplace(key, std::move(entry)).first->second;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  std::unordered_map<std::string_view, std::unique_ptr<Entry>> entries_;
};

Lexicon g_lexicon;

std::string inflect(unsigned lemma) {
  static const char* const endings[] = {"", "s", "ed", "ing", "ness", "ation", "like", "able"};
  return "a stem that has number " + std::to_string(lemma / 8) + "of" + endings[lemma % 8];
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kChapters = 64;
  const auto forms = static_cast<unsigned>(16000 * scale);
  std::mt19937 random(1755);
  std::size_t readings = 0;
  for (int chapter = 0; chapter < kChapters; ++chapter) {
    const unsigned words = forms / 4 + random() % (forms / 4);
    for (unsigned i = 0; i < words; ++i) readings += g_lexicon.analyze(inflect(random() % forms)).readings.size();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kChapters));
  }
  std::printf("%zu forms, %zu readings\n", g_lexicon.size(), readings);
}

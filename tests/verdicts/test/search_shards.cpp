// A search server. It answers from a small built-in list at first, then loads its first shard, and later a second,
// larger one; from then on it only answers queries, for more than half of the run.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include <poll.h>

using document_id = unsigned;

struct posting_list {
  std::vector<document_id> documents;
};

static std::unordered_map<std::string, posting_list> terms;
static std::vector<std::string> titles;

static unsigned random_state = 1;
static unsigned random_number(unsigned below) {
  random_state = random_state * 1103515245u + 12345u;
  return (random_state >> 9) % below;
}

static std::string term_name(unsigned number) { return "term-" + std::to_string(number) + "-of-the-vocabulary"; }

static void load_shard(unsigned documents, unsigned vocabulary) {
  titles.reserve(titles.size() + documents);
  for (unsigned i = 0; i < documents; ++i) {
    const auto id = static_cast<document_id>(titles.size());
    titles.push_back("Document " + std::to_string(id) + ": a title long enough to be on the heap, as titles are");
    for (int word = 0; word < 12; ++word) {
      terms[term_name(random_number(vocabulary))].documents.push_back(id);
    }
  }
  for (auto& entry : terms) entry.second.documents.shrink_to_fit();
}

static size_t answer(unsigned vocabulary) {
  std::vector<document_id> hits;
  for (int word = 0; word < 3; ++word) {
    auto found = terms.find(term_name(random_number(vocabulary)));
    if (found == terms.end()) continue;
    hits.insert(hits.end(), found->second.documents.begin(), found->second.documents.end());
  }
  std::sort(hits.begin(), hits.end());
  std::string page;
  for (size_t i = 0; i < hits.size() && i < 10; ++i) page += "<li>" + titles[hits[i]] + "</li>\n";
  return page.size();
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0)
      scale = std::strtod(argv[i + 1], nullptr);
    else if (std::strcmp(argv[i], "--seconds") == 0)
      seconds = std::strtod(argv[i + 1], nullptr);
    else
      return 2;
  }
  const int rounds = 90;
  const auto vocabulary = static_cast<unsigned>(30000 * scale) + 1;
  size_t served = 0;
  load_shard(20, vocabulary);
  for (int round = 0; round < rounds; ++round) {
    if (round == 22) load_shard(static_cast<unsigned>(4000 * scale), vocabulary);
    if (round == 36) load_shard(static_cast<unsigned>(14000 * scale), vocabulary);
    for (int i = 0; i < 1300 * scale; ++i) served += answer(vocabulary);
    poll(nullptr, 0, static_cast<int>(seconds * 1000 / rounds));
  }
  std::printf("%zu bytes served\n", served);
  return 0;
}

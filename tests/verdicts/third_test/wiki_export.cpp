// A wiki that exports itself: after some ordinary page views it builds the graph of all links with a string for each,
// ranks the pages, and drops the graph. The ranks stay for the page views that follow.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

std::vector<float>* g_ranks = nullptr;

std::size_t view(unsigned page) {
  std::string html = "<h1>Page " + std::to_string(page) + "</h1>";
  for (unsigned i = 0; i < 20 + page % 30; ++i) html += "<p>A paragraph of the page, as short as the others.</p>";
  if (g_ranks) html += std::to_string((*g_ranks)[page % g_ranks->size()]);
  return html.size();
}

void rank_pages(unsigned pages, std::mt19937& random, double pause) {
  std::unordered_map<unsigned, std::map<unsigned, std::string>> links;
  links.reserve(pages);
  for (unsigned page = 0; page < pages; ++page) {
    for (unsigned i = 0, count = 4 + random() % 16; i < count; ++i)
      links[page].emplace(random() % pages, "see also the article that has number " + std::to_string(page));
    if (page % (pages / 12) == 0) std::this_thread::sleep_for(std::chrono::duration<double>(pause));
  }
  auto* ranks = new std::vector<float>(pages / 4, 1.f);
  for (const auto& [page, targets] : links)
    for (const auto& [target, text] : targets)
      (*ranks)[target % ranks->size()] += static_cast<float>(text.size()) / static_cast<float>(targets.size());
  g_ranks = ranks;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kHours = 50;
  std::mt19937 random(1995);
  std::size_t bytes = 0;
  for (int hour = 0; hour < kHours; ++hour) {
    if (hour == 15) rank_pages(static_cast<unsigned>(15000 * scale), random, seconds / 100);
    for (int i = 0; i < 300; ++i) bytes += view(static_cast<unsigned>(random() % 1000));
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds * .9 / kHours));
  }
  delete g_ranks;
  std::printf("%zu\n", bytes);
}

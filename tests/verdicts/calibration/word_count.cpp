// A filter that reads text line by line, counts the words of each, and prints a total.
//
// Very many small blocks, and none of them outlives its line.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <thread>

namespace {

std::string read_line(unsigned number) {
  std::string line;
  for (unsigned i = 0; i < 20; ++i) {
    line += "a-word-of-some-length-" + std::to_string(number * (i + 3) % 13);
    line += i % 4 == 3 ? ", " : " ";
  }
  return line;
}

std::size_t count_words(const std::string& line) {
  std::map<std::string, unsigned> counts;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    while (!word.empty() && word.back() == ',') word.pop_back();
    ++counts[word];
  }
  std::size_t most = 0;
  for (const auto& [word, count] : counts) most += word.size() * count * count;
  return most;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.5;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  constexpr unsigned kRounds = 60;
  std::size_t total = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned i = 0; i < 500 * scale; ++i) total += count_words(read_line(round * 1000 + i));
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("total %zu\n", total);
}

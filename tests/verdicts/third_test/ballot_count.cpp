// A voting system: ballots of each precinct are read, checked and counted. When the count of the last precincts begins,
// the scanners mark ballots as doubtful, and those are queued for a review that nobody holds.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Ballot {
  unsigned serial;
  std::array<int, 5> choices;
  std::vector<unsigned char> scan;
};

struct Count {
  std::array<unsigned long, 8> votes{};
  std::queue<Ballot> doubtful;
  std::set<std::string> precincts;
};

Count g_count;

Ballot read_ballot(unsigned serial, std::mt19937& random) {
  Ballot ballot{serial, {}, std::vector<unsigned char>(400 + random() % 800)};
  for (int& choice : ballot.choices) choice = static_cast<int>(random() % 8);
  for (std::size_t i = 0; i < ballot.scan.size(); i += 16) ballot.scan[i] = static_cast<unsigned char>(serial);
  return ballot;
}

void count_precinct(int precinct, int ballots, bool new_scanner, std::mt19937& random) {
  g_count.precincts.insert("precinct number " + std::to_string(precinct));
  std::vector<Ballot> box;
  for (int i = 0; i < ballots; ++i) box.push_back(read_ballot(static_cast<unsigned>(i), random));
  for (Ballot& ballot : box) {
    for (int choice : ballot.choices) ++g_count.votes[static_cast<std::size_t>(choice)];
    if (new_scanner && ballot.choices[0] < 5) g_count.doubtful.push(std::move(ballot));
  }
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 1.1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kPrecincts = 80;
  std::mt19937 random(2024);
  for (int precinct = 0; precinct < kPrecincts; ++precinct) {
    const int ballots = static_cast<int>(scale * (200 + static_cast<int>(random() % 400)));
    count_precinct(precinct, ballots, precinct >= kPrecincts * 3 / 5, random);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kPrecincts));
  }
  std::printf("%lu %zu %zu\n", g_count.votes[0], g_count.doubtful.size(), g_count.precincts.size());
  std::exit(0);
}

// A build system: first it probes the machine (compilers, headers), for a quarter of the run; then it reads the rules
// into a graph of targets, once, and from then on walks the graph, asks what is out of date, and writes commands.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tidemark.h"

struct Target {
  std::string name, command;
  std::vector<Target*> inputs;
  long modified = 0;
  unsigned visited = 0;
};

static std::map<std::string, std::unique_ptr<Target>> graph;
static std::vector<Target*> order;

static std::string probe(unsigned step) {
  std::set<std::string> found;
  for (unsigned i = 0; i < 900; ++i) {
    std::string path = "/usr/include/" + std::to_string((step * 131 + i * 17) % 400) + "/config-and-features.h";
    if (path.size() % 3 != 0) found.insert(std::move(path));
  }
  return found.empty() ? "" : *found.begin();
}

static void read_rules(int first, int last) {
  for (int i = first; i < last; ++i) {
    auto target = std::make_unique<Target>();
    target->name = "src/module" + std::to_string(i / 40) + "/unit" + std::to_string(i) + ".o";
    target->command =
        "cc -c -O2 -o " + target->name + " -I" + std::string(100 + static_cast<size_t>(i) * 37 % 300, 'i');
    target->modified = i * 7919L % 10007;
    for (int j = 1; j <= i % 9 && j * j < i; ++j) target->inputs.push_back(order[static_cast<size_t>(i - j * j)]);
    order.push_back(target.get());
    graph.emplace(target->name, std::move(target));
  }
}

static long newest(Target* target, unsigned walk) {
  if (target->visited == walk) return target->modified;
  target->visited = walk;
  long time = target->modified;
  for (Target* input : target->inputs) time = std::max(time, newest(input, walk));
  return time;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  constexpr unsigned kSteps = 80, kProbes = 20, kRead = 3;
  const int targets = static_cast<int>(12000 * scale);
  size_t length = 0;
  for (unsigned step = 0; step < kSteps; ++step) {
    if (step < kProbes) {
      length += probe(step).size();
    } else if (step < kProbes + kRead) {
      const auto part = static_cast<int>(step - kProbes);
      read_rules(targets * part / static_cast<int>(kRead), targets * (part + 1) / static_cast<int>(kRead));
      if (part + 1 == kRead) tidemark_mark("rules read");
    } else {
      // The commands of what changed, as one text.
      std::string script;
      for (size_t i = step % 7; i < order.size(); i += 11) {
        const long time = newest(order[i], step);
        if (time > 5000) script += order[i]->command.substr(0, 40) + " # " + std::to_string(time) + "\n";
      }
      length += script.size();
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kSteps));
  }
  std::printf("%zu targets, %zu bytes\n", graph.size(), length);
  return 0;
}

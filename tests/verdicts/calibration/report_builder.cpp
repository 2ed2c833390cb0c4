// A reporting service: small requests all day long, and once a large report, for which it builds a tree of small
// records.
//
// The records are freed when the report is written, but the summary that is kept was allocated behind them, at the top
// of the heap, and glibc gives back pages only from the top: they stay with the process, and no block is in them.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>

namespace {

constexpr int kRounds = 60;
constexpr int kReportRound = 14;

struct Record {
  std::string name;
  double value = 0;
};

struct Summary {
  char text[40 << 10];
};

std::unique_ptr<Summary> summary;

double small_request(int number) {
  std::deque<std::string> lines;
  for (int i = 0; i < 12; ++i)
    lines.push_back("line " + std::to_string(i) + " of the answer to " + std::to_string(number));
  return static_cast<double>(lines.back().size() + lines.front().size());
}

double large_report(unsigned records) {
  std::map<unsigned, std::unique_ptr<Record>> tree;
  for (unsigned i = 0; i < records; ++i) {
    auto record = std::make_unique<Record>();
    record->name = "record number " + std::to_string(i) + " of this year's report";
    record->value = i % 1000 * 0.5;
    tree.emplace(i * 2654435761U % 4294967291U, std::move(record));
  }
  double sum = 0;
  for (const auto& [key, record] : tree) sum += record->value + static_cast<double>(record->name.size());
  summary = std::make_unique<Summary>();
  for (std::size_t at = 0; at + 32 < sizeof summary->text; at += 32) {
    std::snprintf(summary->text + at, 32, "%zu: %.0f", at, sum);
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  double sum = 0;
  for (int round = 0; round < kRounds; ++round) {
    if (round == kReportRound) sum += large_report(static_cast<unsigned>(180'000 * scale));
    for (int i = 0; i < 600 * scale; ++i) sum += small_request(i);
    if (summary != nullptr) sum += summary->text[static_cast<std::size_t>(round) * 32];
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds));
  }
  std::printf("sum %.1f\n", sum);
}

// Extract, transform, load: rows are collected over several steps until a batch is full, then joined, summed up and
// dropped. It marks the batches.
//
// Eight batches; the last one is nearly full when the program is told to stop, which it does at once.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tidemark.h"

namespace {

constexpr unsigned kBatches = 8;
constexpr unsigned kStepsPerBatch = 9;

struct Row {
  std::string customer;
  std::string article;
  std::vector<int> amounts;
};

using Batch = std::deque<Row>;

Row extract(unsigned number) {
  return {"customer " + std::to_string(number * 48271 % 5003) + " of the eastern region",
          "article " + std::to_string(number * 69621 % 307) + " from the catalogue",
          {static_cast<int>(number % 10), static_cast<int>(number % 100), static_cast<int>(number % 7), 1, 2, 3, 5, 8}};
}

long load(const Batch& batch) {
  std::map<std::string, long> sums;
  for (const Row& row : batch) {
    for (const int amount : row.amounts) sums[row.article] += amount;
  }
  long total = 0;
  for (const auto& [article, sum] : sums) total += sum * static_cast<long>(article.size());
  return total;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  const auto rows = static_cast<unsigned>(4500 * scale);
  Batch batch;
  long total = 0;
  unsigned number = 0;
  for (unsigned b = 0; b < kBatches; ++b) {
    tidemark_mark(("batch " + std::to_string(b)).c_str());
    for (unsigned step = 0; step < kStepsPerBatch; ++step) {
      if (b == kBatches - 1 && step == kStepsPerBatch - 1) {
        std::printf("total %ld\n", total);
        std::exit(0);
      }
      for (unsigned i = 0; i < rows; ++i) batch.push_back(extract(number++));
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds / (kBatches * kStepsPerBatch)));
    }
    total += load(batch);
    Batch().swap(batch);
  }
}

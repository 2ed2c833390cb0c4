// A bank's batch: through each cycle, payments are collected by account and netted at its end, which empties the books.
// Cycles have different lengths; the last one is still open when the cut-off time comes and the program leaves.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <list>
#include <map>
#include <string>
#include <thread>

#include "tidemark.h"

namespace {

struct Payment {
  uint64_t from, to;
  long cents;
  std::string reference;
};

using Book = std::map<uint64_t, std::list<Payment>>;
Book book;
uint64_t state = 1694;

uint64_t random_number() {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state >> 3;
}

void collect(uint64_t accounts) {
  const uint64_t from = random_number() % accounts;
  // The message as it came, and what it says.
  const std::string message = "<pay><ref>" + std::string(40 + random_number() % 160, 'r') + "</ref></pay>";
  Payment payment{from, random_number() % accounts, static_cast<long>(random_number() % 100000), ""};
  payment.reference = message.substr(10, message.size() - 22);
  book[from].push_back(std::move(payment));
}

long settle() {
  std::map<uint64_t, long> net;
  for (const auto& [account, payments] : book)
    for (const Payment& payment : payments) {
      net[payment.from] -= payment.cents;
      net[payment.to] += payment.cents;
    }
  book.clear();
  return net.empty() ? 0 : net.begin()->second;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kCycles[] = {9, 14, 11, 8, 13, 10, 15, 9, 10};
  int minutes = 0;
  for (const int cycle : kCycles) minutes += cycle;
  const auto accounts = static_cast<uint64_t>(3000 * scale);
  long net = 0;
  const size_t last = std::size(kCycles) - 1;
  for (size_t cycle = 0; cycle <= last; ++cycle) {
    for (int minute = 0; minute < kCycles[cycle]; ++minute) {
      const int payments = static_cast<int>((500 + static_cast<int>(random_number() % 500)) * scale);
      for (int i = 0; i < payments; ++i) collect(accounts);
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds / minutes));
    }
    if (cycle == last) break;
    net += settle();
    tidemark_mark("settled");
  }
  std::printf("%zu accounts open, net %ld\n", book.size(), net);
  std::exit(0);
}

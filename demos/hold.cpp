// A million strings are created in one burst and held to the end: growth on purpose, not a leak.
//
//   verdict    retained-by-design / working-set
//   evidence   one burst after the warm-up, current = peak, reachable from `data`, then flat while the data is used
//   figures    at the end `data` is 1,000,001 blocks, 80,000,000 bytes (1,000,000 strings of 48 and their array of
//              32,000,000); the process's peak is less than 128 KB above that (the C++ runtime's emergency pool of
//              72,704, standard output's buffer, the requests' strings)
//
// It warms up for a quarter of its time and reads its data, with ordinary work between, for the rest.

#include "demo.h"
#include "tidemark.h"

namespace {

std::vector<std::string> data;

// Reads every 97th string; the return value keeps the compiler from leaving it out.
[[gnu::noinline]] std::size_t use_data() {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < data.size(); i += 97) sum += static_cast<unsigned char>(data[i][18]);
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const demo::Options options = demo::parse_options(argc, argv);
  constexpr int kRounds = 160;
  const std::size_t requests = options.scaled(8000);

  demo::work(options.seconds / 4, kRounds / 4, requests);
  tidemark_mark("warmed up");

  demo::normal_growth(data, options.scaled(1'000'000));
  tidemark_mark("after normal_growth");

  std::size_t sum = 0;
  demo::Pace pace(options.seconds * 3 / 4, kRounds * 3 / 4);
  for (int round = 0; round < kRounds * 3 / 4; ++round) {
    sum += use_data() + demo::handle_requests(requests);
    pace.wait();
  }
  tidemark_mark("data used");

  demo::Tally held;
  held.add(data);
  std::printf("checksum %zu\n", sum);
  demo::print_tally("held at the end", held);
}

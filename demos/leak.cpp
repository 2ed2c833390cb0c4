// Every call of leak() appends a batch of strings to a global store from which nothing is ever removed.
//
//   verdict    true-leak / unbounded-retention, held by the global `global_store`
//   evidence   live bytes grow linearly to the end; no generation drains; reachable all the time, so that neither
//              reference counts nor a collector could help
//   figures    60 calls of 20,000 strings: at the end 1,200,001 blocks, 124,708,864 bytes (1,200,000 strings of 48 and
//              their array of 2,097,152 * 32 bytes)
//
// The documents append 1,000,000 strings a call: --scale 50.

#include "demo.h"
#include "tidemark.h"

namespace {

std::vector<std::string> global_store;

[[gnu::noinline]] void leak(std::size_t strings) {
  for (std::size_t i = 0; i < strings; ++i) global_store.push_back(demo::numbered_string(global_store.size()));
}

}  // namespace

int main(int argc, char** argv) {
  const demo::Options options = demo::parse_options(argc, argv);
  constexpr int kCalls = 60;
  const std::size_t batch = options.scaled(20'000);

  demo::work(options.seconds / 10, 10, batch);
  tidemark_mark("warmed up");

  demo::Pace pace(options.seconds * 9 / 10, kCalls);
  for (int call = 1; call <= kCalls; ++call) {
    leak(batch);
    demo::handle_requests(batch / 4);
    tidemark_mark(("call " + std::to_string(call)).c_str());
    pace.wait();
  }

  demo::Tally held;
  held.add(global_store);
  demo::print_tally("held at the end", held);
}

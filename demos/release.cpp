// A million strings are created exactly as in `hold` and then released: live memory falls, the peak stays.
//
//   verdict    no-growth / released
//   evidence   live bytes return to what they were before the growth; the peak (and maxrss) is history
//   figures    the peak is 1,000,001 blocks, 80,000,000 bytes of `data` and less than 128 KB besides (see hold.cpp); at
//              the end none of them is left

#include "demo.h"
#include "tidemark.h"

namespace {

std::vector<std::string> data;

// The native `del data`: clear() alone would keep the array, and glibc the pages.
[[gnu::noinline]] void delete_data() {
  std::vector<std::string>().swap(data);
  demo::return_free_pages();
}

}  // namespace

int main(int argc, char** argv) {
  const demo::Options options = demo::parse_options(argc, argv);
  constexpr int kRounds = 160;
  const std::size_t requests = options.scaled(8000);

  demo::work(options.seconds / 4, kRounds / 4, requests);
  tidemark_mark("warmed up");

  demo::normal_growth(data, options.scaled(1'000'000));
  demo::Tally held;
  held.add(data);
  demo::print_tally("held after normal_growth", held);
  tidemark_mark("after normal_growth");

  demo::work(options.seconds / 4, kRounds / 4, requests);
  delete_data();
  tidemark_mark("data released");

  demo::work(options.seconds / 2, kRounds / 2, requests);
  demo::Tally left;
  left.add(data);
  demo::print_tally("held at the end", left);
}

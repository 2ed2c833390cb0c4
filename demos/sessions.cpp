// A service keeps a state for every session that is open. Clients work for a while and log out, which closes it.
//
//   verdict    retained-by-design / bounded-cache or episodic, held by the global `sessions`
//   evidence   after the first rounds as many sessions are closed as opened; of every generation nothing is left eight
//              rounds later
//   figures    100 sessions opened in each of 120 rounds, closed 8 rounds later: at the end 800 sessions are open,
//              which is 7,600 blocks, 7,059,200 bytes (each: a map node of 48, a state of 64, a name of 48, a context
//              of 8,192, an array of 256 and one to eight messages of 48)
//
// --abandon: every fourth client goes away without logging out, and no time limit closes what it leaves behind:
//
//   verdict    true-leak / unbounded-retention, held by the global `sessions`
//   evidence   a quarter of every generation stays; what is older than eight rounds is never freed
//   figures    at the end 3,600 sessions: 44,000 blocks, 32,236,800 bytes
//
// The documents name the case ("session state retained by design") without figures. --scale 10 for a busy service.

#include <map>
#include <memory>
#include <utility>

#include "demo.h"
#include "tidemark.h"

namespace {

constexpr std::size_t kRounds = 120;
constexpr std::size_t kRoundsOpen = 8;
constexpr std::size_t kContext = 1024;

struct Session {
  std::string user;
  std::vector<std::string> messages;
  std::unique_ptr<double[]> context = std::make_unique<double[]>(kContext);
};

std::map<std::size_t, std::unique_ptr<Session>> sessions;

[[gnu::noinline]] void open_session(std::size_t number) {
  auto session = std::make_unique<Session>();
  session->user = demo::numbered_string(number);
  session->messages.reserve(kRoundsOpen);
  sessions.emplace(number, std::move(session));
}

// One round of what clients do: each that has not gone away sends a message.
[[gnu::noinline]] std::size_t serve(std::size_t first, std::size_t end) {
  std::size_t served = 0;
  for (auto open = sessions.lower_bound(first); open != sessions.end() && open->first < end; ++open, ++served) {
    Session& session = *open->second;
    session.messages.push_back(demo::numbered_string(open->first + served));
    session.context[served % kContext] += static_cast<double>(served);
  }
  return served;
}

[[gnu::noinline]] void log_out(std::size_t first, std::size_t end, bool abandon) {
  for (std::size_t number = first; number < end; ++number) {
    if (abandon && number % 4 == 0) continue;
    sessions.erase(number);
  }
}

demo::Tally count_sessions() {
  constexpr std::size_t kLinks = 32;  // of a node of libstdc++'s map
  demo::Tally tally;
  for (const auto& open : sessions) {
    tally.add_block(kLinks + sizeof open);
    tally.add_block(sizeof(Session));
    tally.add(open.second->user);
    tally.add(open.second->messages);
    tally.add_block(kContext * sizeof(double));
  }
  return tally;
}

}  // namespace

int main(int argc, char** argv) {
  const bool abandon = demo::take_flag(argc, argv, "--abandon");
  const demo::Options options = demo::parse_options(argc, argv);
  const std::size_t opened = options.scaled(100);  // in a round

  demo::work(options.seconds / 10, 10, 5000);
  tidemark_mark("warmed up");

  std::size_t served = 0;
  demo::Pace pace(options.seconds * 9 / 10, kRounds);
  for (std::size_t round = 1; round <= kRounds; ++round) {
    for (std::size_t i = 0; i < opened; ++i) open_session(round * opened + i);
    const std::size_t oldest = round < kRoundsOpen ? 0 : (round + 1 - kRoundsOpen) * opened;
    served += serve(oldest, (round + 1) * opened);
    demo::handle_requests(opened * 20);
    if (round != kRounds) log_out(oldest, oldest + opened, abandon);
    pace.wait();
  }

  std::printf("%zu sessions open, %zu messages served\n", sessions.size(), served);
  demo::print_tally("held at the end", count_sessions());
}

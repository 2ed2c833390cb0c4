// A service streams tokens and keeps them in a buffer until it is flushed, which happens late: at 64,000 tokens.
//
//   verdict    retained-by-design / episodic
//   evidence   a sawtooth of ten teeth with flat troughs; what was born in a tooth is gone at its flush
//   figures    10.5 buffers: at the end half a buffer is held, 64,000 blocks, 3,840,000 bytes (32,000 tokens, each a
//              list node of 72 and a text of 48); a full one has twice that
//
// --never-flush:
//
//   verdict    true-leak / unbounded-retention, held by the global `buffer`
//   evidence   live bytes grow linearly to the end; no generation drains
//   figures    at the end 1,344,000 blocks, 80,640,000 bytes (672,000 tokens)
//
// The documents name the case ("streaming token buffers not flushed") without figures.

#include <list>

#include "demo.h"
#include "tidemark.h"

namespace {

struct Token {
  std::size_t id = 0;
  double probability = 0;
  std::size_t position = 0;
  std::string text;
};

std::list<Token> buffer;
std::size_t streamed = 0;

[[gnu::noinline]] void stream_tokens(std::size_t tokens) {
  for (std::size_t i = 0; i < tokens; ++i, ++streamed) {
    buffer.push_back({streamed % 50'257, 1.0 / static_cast<double>(1 + i), streamed, demo::numbered_string(streamed)});
  }
}

// Sends what is buffered; returns the number of characters.
[[gnu::noinline]] std::size_t flush() {
  std::size_t characters = 0;
  for (const Token& token : buffer) characters += token.text.size();
  buffer.clear();
  return characters;
}

demo::Tally count_buffer() {
  constexpr std::size_t kLinks = 16;  // of a node of libstdc++'s list
  demo::Tally tally;
  for (const Token& token : buffer) {
    tally.add_block(kLinks + sizeof token);
    tally.add(token.text);
  }
  return tally;
}

}  // namespace

int main(int argc, char** argv) {
  const bool never_flush = demo::take_flag(argc, argv, "--never-flush");
  const demo::Options options = demo::parse_options(argc, argv);
  constexpr int kRounds = 84;
  constexpr int kRoundsPerFlush = 8;
  const std::size_t tokens = options.scaled(8000);

  demo::work(options.seconds / 10, 10, tokens);
  tidemark_mark("warmed up");

  std::size_t sent = 0;
  demo::Pace pace(options.seconds * 9 / 10, kRounds);
  for (int round = 1; round <= kRounds; ++round) {
    stream_tokens(tokens);
    demo::handle_requests(tokens / 4);
    if (round % kRoundsPerFlush == 0 && !never_flush) {
      sent += flush();
      tidemark_mark(("flush " + std::to_string(round / kRoundsPerFlush)).c_str());
    }
    pace.wait();
  }

  std::printf("streamed %zu tokens, sent %zu characters\n", streamed, sent);
  demo::print_tally("held at the end", count_buffer());
}

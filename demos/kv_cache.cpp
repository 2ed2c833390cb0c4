// The key-value cache of a language model grows with every token of a sequence and is dropped at the sequence's end.
//
//   verdict    retained-by-design / episodic
//   evidence   one tooth for each sequence; the troughs between them are flat, nothing of a sequence outlives it
//   figures    10 sequences of 640 to 1,024 tokens in turn: pages of 16 tokens, one of keys and one of values in each
//              of 24 layers, 8,192 bytes each. A sequence of 1,024 tokens has 3,072 pages, 25,165,824 bytes, and 48
//              arrays of page pointers, 24,576; in the troughs the cache is empty
//
// The documents name the case ("model KV cache growth during long sequences") without figures. --scale 100 is a context
// of 102,400 tokens.

#include <array>
#include <memory>

#include "demo.h"
#include "tidemark.h"

namespace {

constexpr std::size_t kTokensPerPage = 16;
constexpr std::size_t kFeatures = 128;  // of a token, in one layer
constexpr std::size_t kLayers = 24;

using Page = std::array<float, kTokensPerPage * kFeatures>;
using Pages = std::vector<std::unique_ptr<Page>>;

struct Layer {
  Pages keys;
  Pages values;
};

// The layers are part of the model; what they hold belongs to the sequence.
std::array<Layer, kLayers> cache;

void write_token(Pages& pages, std::size_t token) {
  const std::size_t slot = token % kTokensPerPage;
  if (slot == 0) pages.push_back(std::make_unique<Page>());
  for (std::size_t i = 0; i < kFeatures; ++i) {
    (*pages.back())[slot * kFeatures + i] = static_cast<float>(token ^ i);
  }
}

// What the newest token attends to: one feature of each token before, in each layer.
float attend(std::size_t tokens) {
  float score = 0;
  for (const Layer& layer : cache) {
    for (std::size_t token = 0; token < tokens; token += 8) {
      const std::size_t feature = token % kTokensPerPage * kFeatures;
      const std::size_t page = token / kTokensPerPage;
      score += (*layer.keys[page])[feature] * (*layer.values[page])[feature];
    }
  }
  return score;
}

[[gnu::noinline]] float generate_token(std::size_t token) {
  for (Layer& layer : cache) {
    write_token(layer.keys, token);
    write_token(layer.values, token);
  }
  return attend(token + 1);
}

void drop_cache() { cache = {}; }

demo::Tally count_cache() {
  demo::Tally tally;
  for (const Layer& layer : cache) {
    for (const Pages* pages : {&layer.keys, &layer.values}) {
      tally.add(*pages);
      for (std::size_t i = 0; i < pages->size(); ++i) tally.add_block(sizeof(Page));
    }
  }
  return tally;
}

}  // namespace

int main(int argc, char** argv) {
  const demo::Options options = demo::parse_options(argc, argv);
  constexpr int kSequences = 10;
  constexpr int kSteps = 8;  // in which a sequence is generated
  // The longest first and last: lengths that rise from sequence to sequence would be growth of another kind.
  constexpr std::size_t kLengths[] = {1024, 768, 896, 640, 1024};

  demo::work(options.seconds / 10, 10, 5000);
  tidemark_mark("warmed up");

  float sum = 0;
  demo::Pace pace(options.seconds * 9 / 10, kSequences * (kSteps + 1));
  for (int sequence = 1; sequence <= kSequences; ++sequence) {
    const std::size_t tokens = options.scaled(kLengths[sequence % 5]);
    const std::string name = "sequence " + std::to_string(sequence);
    std::size_t token = 0;
    for (std::size_t step = 1; step <= kSteps; ++step) {
      for (; token < tokens * step / kSteps; ++token) sum += generate_token(token);
      demo::handle_requests(2000);
      pace.wait();
    }
    tidemark_mark((name + " is complete").c_str());
    demo::print_tally((name + " is complete").c_str(), count_cache());
    drop_cache();
    tidemark_mark((name + " is dropped").c_str());
    demo::handle_requests(2000);
    pace.wait();
  }

  std::printf("score %.0f\n", static_cast<double>(sum));
  demo::print_tally("held at the end", count_cache());
}

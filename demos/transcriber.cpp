// Each request makes a transcriber with a large native payload. Its callback holds the transcriber that holds the
// signal that holds the callback, so that the reference counts never fall to zero.
//
//   verdict    true-leak / unreachable-cycle, high
//   evidence   one cycle of three blocks for each request, which nothing else points at when main returns:
//              ConversationTranscriber +0x18 -> EventSignal +0x30 -> on_transcribed closure +0x10 ->
//              ConversationTranscriber, and the payload hangs off it
//   figures    10 requests: at the end 150 blocks, 81,008,800 bytes (each request: a payload of 8,100,000; the three of
//              the cycle, 176; the segments, 8 texts and the event that the closure captured as well, 704)
//
// --disconnect empties the signal when the request is done; --weak has the closure hold the transcriber weakly:
//
//   verdict    no-growth
//   evidence   every request returns to the base
//
// The documents' payload is 81 MB: --scale 10. --requests N: how many (10).

#include <functional>
#include <memory>
#include <utility>

#include "demo.h"
#include "tidemark.h"

using Segments = std::vector<std::string>;
using Callback = std::function<void(const std::string&)>;

// Calls back at each event.
class EventSignal {
 public:
  virtual ~EventSignal() = default;
  void connect(Callback callback) { callback_ = std::move(callback); }
  void disconnect_all() { callback_ = nullptr; }
  void emit(const std::string& text) {
    ++fired_;
    if (callback_) callback_(text);
  }

 private:
  std::string name_ = "transcribed";
  std::size_t fired_ = 0;
  Callback callback_;
};

class ConversationTranscriber {
 public:
  explicit ConversationTranscriber(std::size_t payload_bytes)
      : handle_(new unsigned char[payload_bytes]),
        payload_bytes_(payload_bytes),
        transcribed_signal_(std::make_unique<EventSignal>()) {
    std::memset(handle_.get(), 0x5a, payload_bytes);
  }
  virtual ~ConversationTranscriber() = default;

  [[nodiscard]] EventSignal& transcribed() { return *transcribed_signal_; }
  [[nodiscard]] std::size_t payload_bytes() const { return payload_bytes_; }

 private:
  std::unique_ptr<unsigned char[]> handle_;  // The native object's memory.
  std::size_t payload_bytes_;
  std::unique_ptr<EventSignal> transcribed_signal_;
};

namespace {

constexpr std::size_t kSegments = 8;

// Holds the transcriber: shared_ptr in the leaking program, weak_ptr with --weak.
template <typename Transcriber>
auto on_transcribed(const std::shared_ptr<Segments>& segments, const Transcriber& transcriber,
                    const std::shared_ptr<std::size_t>& done) {
  return [segments, transcriber, done](const std::string& text) {
    segments->push_back(text);
    if (segments->size() == kSegments) ++*done;
  };
}

enum class Ending { kNone, kDisconnect, kWeak };

[[gnu::noinline]] void handle_request(std::size_t payload_bytes, Ending ending) {
  auto transcriber = std::make_shared<ConversationTranscriber>(payload_bytes);
  auto segments = std::make_shared<Segments>();
  auto done = std::make_shared<std::size_t>(0);
  segments->reserve(kSegments);
  if (ending == Ending::kWeak) {
    transcriber->transcribed().connect(on_transcribed(segments, std::weak_ptr(transcriber), done));
  } else {
    transcriber->transcribed().connect(on_transcribed(segments, transcriber, done));
  }
  for (std::size_t i = 0; *done == 0; ++i) transcriber->transcribed().emit(demo::numbered_string(i));
  if (ending == Ending::kDisconnect) transcriber->transcribed().disconnect_all();
}

// What one request loses.
demo::Tally lost_by_request(std::size_t payload_bytes) {
  constexpr std::size_t kControlBlock = 16;  // libstdc++'s part of what make_shared allocates
  demo::Tally lost;
  lost.add_block(kControlBlock + sizeof(ConversationTranscriber));
  lost.add_block(payload_bytes);
  lost.add_block(sizeof(EventSignal));
  lost.add_block(3 * sizeof(std::shared_ptr<void>));  // the closure
  lost.add_block(kControlBlock + sizeof(Segments));
  lost.add_block(kSegments * sizeof(std::string));
  for (std::size_t i = 0; i < kSegments; ++i) lost.add(demo::numbered_string(i));
  lost.add_block(kControlBlock + sizeof(std::size_t));
  return lost;
}

}  // namespace

int main(int argc, char** argv) {
  const bool disconnect = demo::take_flag(argc, argv, "--disconnect");
  const bool weak = demo::take_flag(argc, argv, "--weak");
  const std::size_t requests = demo::take_number(argc, argv, "--requests", 10);
  const demo::Options options = demo::parse_options(argc, argv);
  const Ending ending = disconnect ? Ending::kDisconnect : weak ? Ending::kWeak : Ending::kNone;
  const std::size_t payload_bytes = options.scaled(8'100'000);

  demo::work(options.seconds / 10, 10, 5000);
  tidemark_mark("warmed up");

  demo::Pace pace(options.seconds * 9 / 10, static_cast<int>(requests));
  for (std::size_t request = 1; request <= requests; ++request) {
    handle_request(payload_bytes, ending);
    demo::handle_requests(5000);
    tidemark_mark(("request " + std::to_string(request)).c_str());
    pace.wait();
  }

  demo::Tally lost;
  if (ending == Ending::kNone) {
    const demo::Tally each = lost_by_request(payload_bytes);
    lost = {each.blocks * requests, each.bytes * requests};
  }
  demo::print_tally("lost at the end", lost);
}

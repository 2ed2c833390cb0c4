// A torrent client: a thread for each peer of a round collects blocks in a list, until its piece is complete. A peer
// that chokes makes its thread return early, and the blocks so far are nobody's.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Block {
  Block* next;
  unsigned offset;
  std::string data;
};

std::atomic<unsigned long> g_written{0};

unsigned step(unsigned& state) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

void write_piece(Block* blocks) {
  while (blocks) {
    Block* next = blocks->next;
    g_written += blocks->data.size() + blocks->offset % 2;
    delete blocks;
    blocks = next;
  }
}

void download(unsigned peer, int blocks) {
  unsigned state = peer * 2654435761u + 1;
  const bool chokes = peer % 3 == 1;
  const int choke_after = blocks / 2 + static_cast<int>(step(state) % static_cast<unsigned>(blocks / 2 + 1));
  Block* received = nullptr;
  for (int i = 0; i < blocks; ++i) {
    if (chokes && i >= choke_after) return;
    received = new Block{received, static_cast<unsigned>(i) * 16384u, std::string(4000 + step(state) % 8000, 'b')};
    if (i % 8 == 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  write_piece(received);
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  constexpr int kRounds = 45;
  unsigned peer = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::thread> peers;
    for (int i = 0; i < 3 + round % 3; ++i) {
      ++peer;
      peers.emplace_back(download, peer, static_cast<int>(scale * (16 + 8 * (peer % 4))));
    }
    for (std::thread& one : peers) one.join();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kRounds * (round % 2 ? 1.5 : 0.5)));
  }
  std::printf("%lu\n", g_written.load());
}

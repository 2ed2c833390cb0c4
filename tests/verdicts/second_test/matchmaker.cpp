// Matchmaking for an online game: tickets queue by rating until ten of one bracket are there, play, and go. After three
// fifths of the evening the top bracket's region is closed: its tickets are parked, and nothing looks at them again.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace {

struct Ticket {
  Ticket* next = nullptr;
  uint32_t player = 0;
  int rating = 0;
  char* preferences = nullptr;
  size_t size = 0;
};

struct Queue {
  Ticket* head = nullptr;
  Ticket** tail = &head;
  size_t length = 0;

  void append(Ticket* ticket) {
    *tail = ticket;
    tail = &ticket->next;
    ++length;
  }

  Ticket* take() {
    Ticket* ticket = head;
    head = ticket->next;
    if (!head) tail = &head;
    --length;
    ticket->next = nullptr;
    return ticket;
  }
};

constexpr size_t kBrackets = 8;
std::array<Queue, kBrackets> queues;
Queue parked;
std::vector<std::unique_ptr<int[]>> ratings;  // a page of 256 players each
uint32_t seed = 777;

uint32_t random_number() {
  seed = seed * 747796405U + 2891336453U;
  const uint32_t word = ((seed >> ((seed >> 28) + 4)) ^ seed) * 277803737U;
  return (word >> 22) ^ word;
}

Ticket* new_ticket() {
  auto* ticket = new Ticket;
  ticket->player = random_number() % static_cast<uint32_t>(ratings.size() * 256);
  ticket->rating = ratings[ticket->player / 256][ticket->player % 256];
  ticket->size = 120 + random_number() % 240;
  ticket->preferences = new char[ticket->size];
  std::memset(ticket->preferences, 'p', ticket->size);
  return ticket;
}

void play(Queue& queue) {
  for (int i = 0; i < 10; ++i) {
    Ticket* ticket = queue.take();
    ratings[ticket->player / 256][ticket->player % 256] += static_cast<int>(random_number() % 31) - 15;
    delete[] ticket->preferences;
    delete ticket;
  }
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  ratings.resize(static_cast<size_t>(2000 * scale));
  for (auto& page : ratings) {
    page = std::make_unique<int[]>(256);
    for (int i = 0; i < 256; ++i) page[i] = static_cast<int>(random_number() % 4000);
  }
  constexpr int kMinutes = 90;
  size_t games = 0;
  for (int minute = 0; minute < kMinutes; ++minute) {
    const bool closed = minute >= kMinutes * 3 / 5;
    const int arrivals = static_cast<int>((1000 + random_number() % 800) * scale);
    for (int i = 0; i < arrivals; ++i) {
      Ticket* ticket = new_ticket();
      const size_t bracket = static_cast<size_t>(ticket->rating < 0 ? 0 : ticket->rating / 500) % kBrackets;
      if (closed && bracket == kBrackets - 1) {
        parked.append(ticket);
        continue;
      }
      queues[bracket].append(ticket);
      if (queues[bracket].length >= 10) {
        play(queues[bracket]);
        ++games;
      }
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kMinutes));
  }
  std::printf("%zu games\n", games);
  std::exit(0);
}

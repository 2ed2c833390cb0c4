// A mail server that delivers messages: each is split into MIME parts, the parts are filed as a folder index, and the
// message goes. A message that ends within a part is refused, and the parts that were read before are left behind.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

struct MimePart {
  std::string content_type;
  char* body;
  size_t size;
  MimePart* next;
};

struct IndexEntry {
  std::string subject;
  uint32_t uid;
};

std::vector<IndexEntry> folder;  // fixed size: a new message takes the oldest one's place
double scale = 1, seconds = 0.9;
uint64_t state = 0x6d61696c;

uint32_t random_number() {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return static_cast<uint32_t>(state >> 33);
}

MimePart* read_part(const std::string& text) {
  auto* part =
      new MimePart{"multipart/mixed; boundary=" + std::to_string(text.size() * 7919), nullptr, text.size(), nullptr};
  part->body = static_cast<char*>(std::malloc(text.size()));
  std::memcpy(part->body, text.data(), text.size());
  return part;
}

void delete_parts(MimePart* part) {
  while (part) {
    MimePart* next = part->next;
    std::free(part->body);
    delete part;
    part = next;
  }
}

MimePart* parse(const std::vector<std::string>& chunks) {
  MimePart* head = nullptr;
  MimePart** tail = &head;
  for (const std::string& chunk : chunks) {
    if (chunk.empty()) return nullptr;  // no closing boundary
    *tail = read_part(chunk);
    tail = &(*tail)->next;
  }
  return head;
}

uint64_t deliver(uint32_t uid) {
  std::vector<std::string> chunks;
  for (uint32_t i = 0, count = 2 + random_number() % 5; i < count; ++i)
    chunks.emplace_back(500 + random_number() % 1000, static_cast<char>('a' + i));
  if (random_number() % 12 == 0) chunks.emplace_back();

  MimePart* parts = parse(chunks);
  if (!parts) return 0;
  uint64_t size = 0;
  for (const MimePart* part = parts; part; part = part->next) size += part->size + static_cast<uint8_t>(part->body[0]);
  IndexEntry& entry = folder[uid % folder.size()];
  entry.uid = uid;
  entry.subject = "Re: delivery " + std::to_string(uid) + std::string(40 + random_number() % 80, ' ');
  delete_parts(parts);
  return size;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--scale")) scale = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
  }
  folder.resize(static_cast<size_t>(8000 * scale));
  for (IndexEntry& entry : folder) entry.subject = "(no subject) " + std::string(60 + random_number() % 60, '-');

  constexpr int kConnections = 48;
  uint32_t uid = 1;
  uint64_t delivered = 0;
  for (int connection = 0; connection < kConnections; ++connection) {
    const int messages = static_cast<int>((60 + random_number() % 120) * scale);
    for (int i = 0; i < messages; ++i) delivered += deliver(uid++);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kConnections));
  }
  std::printf("%u messages, %llu bytes delivered\n", uid - 1, static_cast<unsigned long long>(delivered));
}

// A concordance of a library: every book is taken apart into words with their contexts, and of each few lines one entry
// is kept. The books' words go when the last book is read; the entries are searched from then on.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace {

struct Context {
  Context* next;
  char* text;
};

struct Entry {
  Entry* next;
  unsigned book;
  unsigned word;
};

struct Library {
  Context* contexts = nullptr;
  std::vector<Entry*> index = std::vector<Entry*>(512);
};

Library* g_library = new Library;

void read_book(unsigned book, int lines, std::mt19937& random) {
  for (int line = 0; line < lines; ++line) {
    for (int word = 0; word < 14; ++word) {
      const std::size_t length = 120 + random() % 250;
      auto* context = new Context{g_library->contexts, new char[length]};
      std::memset(context->text, 'a' + word, length);
      g_library->contexts = context;
    }
    Entry*& slot = g_library->index[random() % g_library->index.size()];
    slot = new Entry{slot, book, static_cast<unsigned>(random())};
  }
}

void forget_contexts() {
  while (Context* context = g_library->contexts) {
    g_library->contexts = context->next;
    delete[] context->text;
    delete context;
  }
}

unsigned search(unsigned word) {
  const auto pattern = std::make_unique<std::vector<unsigned>>();
  for (const Entry* entry = g_library->index[word % g_library->index.size()]; entry; entry = entry->next)
    if (entry->word % 16 == word % 16) pattern->push_back(entry->book);
  return static_cast<unsigned>(pattern->size());
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--scale") == 0) scale = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  std::mt19937 random(1230);
  unsigned found = 0;
  for (unsigned book = 0; book < 24; ++book) {
    read_book(book, static_cast<int>(scale * (150 + static_cast<int>(random() % 300))), random);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / 80));
  }
  forget_contexts();
  for (int round = 0; round < 56; ++round) {
    for (int i = 0; i < 1000; ++i) found += search(static_cast<unsigned>(random()));
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / 80));
  }
  std::printf("%u\n", found);
}

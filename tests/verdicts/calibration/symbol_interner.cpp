// A compiler server: it checks its licences for a while, then compiles one file after the other and keeps every name
// once, with what is known about it.
//
// There are only so many names in the code base: most are met in the first files, hardly a new one later. Growth that
// dies away by itself, in an arena of chunks that are never given back.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

constexpr int kFiles = 80;
constexpr int kFirstFile = 8;

class Arena {
 public:
  std::string_view copy(std::string_view text) {
    if (chunks_.empty() || used_ + text.size() > kChunk) {
      chunks_.push_back(static_cast<char*>(std::malloc(kChunk)));
      used_ = 0;
    }
    char* target = chunks_.back() + used_;
    std::memcpy(target, text.data(), text.size());
    used_ += text.size();
    return {target, text.size()};
  }

 private:
  static constexpr std::size_t kChunk = 16 << 10;
  std::vector<char*> chunks_;
  std::size_t used_ = 0;
};

struct Symbol {
  unsigned uses = 0;
  char details[180] = {};
};

class Interner {
 public:
  Symbol& intern(std::string_view name) {
    if (const auto found = symbols_.find(name); found != symbols_.end()) return *found->second;
    auto* symbol = new Symbol;
    std::snprintf(symbol->details, sizeof symbol->details, "a symbol of %zu characters", name.size());
    symbols_.emplace(arena_.copy(name), symbol);
    return *symbol;
  }

 private:
  Arena arena_;
  std::unordered_map<std::string_view, Symbol*> symbols_;
};

std::uint64_t state = 88172645463325252ULL;

std::uint64_t next_random() {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

}  // namespace

int main(int argc, char** argv) {
  double scale = 1;
  double seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::strcmp(argv[i], "--scale") == 0 ? scale : seconds) = std::atof(argv[i + 1]);
  const auto names = static_cast<std::uint64_t>(24000 * scale);
  static Interner interner;
  std::size_t uses = 0;
  for (int file = 0; file < kFiles; ++file) {
    for (std::uint64_t i = 0; i < names / 5; ++i) {
      const std::string name = "project::module" + std::to_string(next_random() % 7) + "::a_function_with_a_name";
      if (file < kFirstFile) {
        uses += name.size();
      } else {
        uses += ++interner.intern("project::module::function_" + std::to_string(next_random() % names)).uses;
      }
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / kFiles));
  }
  std::printf("uses %zu\n", uses);
}

// Compiled by object_names_test in several ways, loaded there and looked up: variables of all kinds, objects with
// vtables, and types with members. Only sample_address() is exported, so that stripping takes all other names.
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace app {

struct Base {
  virtual ~Base() = default;
  long id = 0;
};
struct Second {
  virtual ~Second() = default;
};
struct Empty {};

template <class T>
struct Node : Base, Second {
  T value{};
  Node* next = nullptr;
};

struct Point {
  double x = 0, y = 0;
};

struct Options : Empty {
  char* name = nullptr;
  Point points[3];
  int grid[2][4] = {};
  union {
    long number;
    char* text = nullptr;
  };
  std::vector<int> numbers;
  struct Inner {
    char pad = 0;
    char* deep = nullptr;
  } inner;
};

struct Slots {
  std::array<std::pair<int, Point>, 3> slots;
};
Slots slots;

struct Server : Base {
  std::shared_ptr<Base> session;
  std::string title;
  Options options;
  static std::vector<int> members;  // line of members' declaration
  inline static std::string inlined = "inlined";
};

std::vector<int> Server::members;  // line of members

std::map<int, std::string>& get_cache(int) {
  static std::map<int, std::string> cache;  // line of cache
  return cache;
}

template <class T>
std::string& cached(const std::vector<T>&) {
  static std::string text = std::to_string(sizeof(T));
  return text;
}

inline std::vector<Point> shared_points;  // line of shared_points
Options options;
__attribute__((weak)) const char* weak_pointer = "weak";

namespace {
std::unordered_map<std::string, Point> hidden;  // line of hidden
thread_local long first_of_thread = 1;
thread_local std::vector<int> scratch;  // line of scratch
}  // namespace

std::shared_ptr<Base> shared = std::make_shared<Node<long>>();
std::unique_ptr<Server> server = std::make_unique<Server>();
std::unique_ptr<Second> second(new Node<Point>);

}  // namespace app

static std::string file_static = "x";  // line of file_static

extern "C" void* tick() {
  static long counter;  // line of counter
  ++counter;
  return &counter;
}

// The word at `object`: of objects with virtual functions their vtable.
static const void* word_at(const void* object) {
  const void* word;
  std::memcpy(&word, object, sizeof word);
  return word;
}

extern "C" __attribute__((visibility("default"))) const void* sample_address(const char* name) {
  struct Local : app::Base {
    char* own = nullptr;
  };
  const auto is = [name](const char* wanted) { return std::strcmp(name, wanted) == 0; };
  if (is("members")) return &app::Server::members;
  if (is("inlined")) return &app::Server::inlined;
  if (is("cache")) return &app::get_cache(1);
  if (is("cached")) return &app::cached<int>({});
  if (is("shared_points")) return &app::shared_points;
  if (is("options")) return &app::options;
  if (is("weak_pointer")) return &app::weak_pointer;
  if (is("hidden")) return &app::hidden;
  if (is("first_of_thread")) return &app::first_of_thread;
  if (is("scratch")) return &app::scratch;
  if (is("file_static")) return &file_static;
  if (is("counter")) return tick();
  if (is("slots")) return &app::slots;
  if (is("vtable of Node<long>")) return word_at(app::shared.get());
  if (is("vtable of Server")) return word_at(app::server.get());
  if (is("second vtable of Node<Point>")) return word_at(app::second.get());
  if (is("vtable of shared")) return word_at(reinterpret_cast<const char*>(app::shared.get()) - 16);
  if (is("vtable of Local")) {
    static std::unique_ptr<app::Base> local(new Local);
    return word_at(local.get());
  }
  if (is("own code")) return reinterpret_cast<const void*>(&sample_address);
  return nullptr;
}

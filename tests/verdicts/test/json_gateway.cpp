// A gateway that parses a document of JSON for each request, walks through it, writes an answer, and forgets both. The
// allocator is told to give back the end of the heap when more than 64 KB of it are free, as long-lived servers do.
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <malloc.h>
#include <time.h>

struct Json;
using Array = std::vector<std::unique_ptr<Json>>;
using Object = std::map<std::string, std::unique_ptr<Json>>;

struct Json {
  std::variant<std::monostate, double, std::string, Array, Object> value;
};

class Parser {
 public:
  explicit Parser(const std::string& text) : at_(text.c_str()) {}

  std::unique_ptr<Json> parse() {
    auto json = std::make_unique<Json>();
    if (*at_ == '{') {
      Object object;
      while (*at_++ != '}') {
        std::string key = string();
        expect(':');
        object[std::move(key)] = parse();
      }
      json->value = std::move(object);
    } else if (*at_ == '[') {
      Array array;
      while (*at_++ != ']') array.push_back(parse());
      json->value = std::move(array);
    } else if (*at_ == '"') {
      json->value = string();
    } else {
      char* end = nullptr;
      json->value = std::strtod(at_, &end);
      if (end == at_) throw std::runtime_error("no value");
      at_ = end;
    }
    return json;
  }

 private:
  void expect(char c) {
    if (*at_++ != c) throw std::runtime_error("unexpected character");
  }

  std::string string() {
    expect('"');
    const char* begin = at_;
    while (*at_ != '"') ++at_;
    return {begin, at_++};
  }

  const char* at_;
};

std::string order(unsigned number, unsigned items) {
  std::string text = "{\"order\":" + std::to_string(number) + ",\"items\":[";
  for (unsigned i = 0; i < items; ++i) {
    if (i > 0) text += ',';
    text += "{\"name\":\"an article with a long name, number " + std::to_string(i * number % 1000) +
            "\",\"price\":" + std::to_string((i * 37 + number) % 500) +
            ".5,\"tags\":[\"in stock\",\"shipped from the main warehouse\"]}";
  }
  return text + "]}";
}

struct Sum {
  double total = 0;
  void operator()(std::monostate) {}
  void operator()(double number) { total += number; }
  void operator()(const std::string& text) { total += static_cast<double>(text.size()); }
  void operator()(const Array& array) {
    for (const auto& element : array) std::visit(*this, element->value);
  }
  void operator()(const Object& object) {
    for (const auto& member : object) std::visit(*this, member.second->value);
  }
};

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.7;
  for (int i = 1; i + 1 < argc; i += 2) {
    double& option = std::strcmp(argv[i], "--scale") == 0 ? scale : seconds;
    option = std::strtod(argv[i + 1], nullptr);
  }
  mallopt(M_TRIM_THRESHOLD, 64 * 1024);
  constexpr unsigned kRequests = 240;
  double total = 0;
  for (unsigned number = 1; number <= kRequests; ++number) {
    const auto items = static_cast<unsigned>((40 + number * 7919 % 900) * scale);
    std::string reply;
    {
      const std::string text = order(number, items);
      const auto json = Parser(text).parse();
      Sum sum;
      std::visit(sum, json->value);
      reply = "{\"accepted\":true,\"checksum\":" + std::to_string(sum.total) + "}";
    }
    total += static_cast<double>(reply.size());
    const auto nanoseconds = static_cast<long long>(seconds / kRequests * 1e9);
    const timespec pause{static_cast<time_t>(nanoseconds / 1'000'000'000),
                         static_cast<long>(nanoseconds % 1'000'000'000)};
    nanosleep(&pause, nullptr);
  }
  std::printf("%.0f\n", total);
}

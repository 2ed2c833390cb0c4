// The calculation engine of a spreadsheet: at its start it registers every function in every language, with help texts,
// and looks up the native ones in the mathematics library; then it evaluates formulas for the rest of the run.
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <dlfcn.h>

struct Function {
  std::string name;
  std::string help;
  std::vector<std::string> parameters;
  double (*native)(double) = nullptr;
};

// Freed by static destructors, after main.
std::unordered_map<std::string, std::unique_ptr<Function>> registry;

void register_all(int copies) {
  static const char* const kNames[] = {"sin", "cos", "tan", "exp", "log", "sqrt", "atan", "cbrt", "floor", "ceil"};
  void* library = dlopen("libm.so.6", RTLD_NOW);
  for (int copy = 0; copy < copies; ++copy) {
    for (const char* name : kNames) {
      auto function = std::make_unique<Function>();
      function->name = std::string(name) + "." + std::to_string(copy);
      function->help.assign(300, 'h');
      function->parameters = {"the number to which the function is applied", "the unit that the result is given in"};
      void* symbol = library ? dlsym(library, name) : nullptr;
      function->native = reinterpret_cast<double (*)(double)>(symbol);
      if (function->native == nullptr) function->native = [](double x) { return x / 2; };
      std::string key = function->name;
      registry.emplace(std::move(key), std::move(function));
    }
  }
}

struct Node {
  const Function* function = nullptr;
  double number = 0;
  std::unique_ptr<Node> argument;
};

std::unique_ptr<Node> parse(const std::string& text, std::size_t& at) {
  auto node = std::make_unique<Node>();
  if (std::isdigit(static_cast<unsigned char>(text[at]))) {
    node->number = std::strtod(text.c_str() + at, nullptr);
    at = text.find(')', at);
    return node;
  }
  const std::size_t open = text.find('(', at);
  const std::string name = text.substr(at, open - at);
  at = open + 1;
  const auto found = registry.find(name);
  if (found != registry.end()) node->function = found->second.get();
  node->argument = parse(text, at);
  ++at;
  return node;
}

double evaluate(const Node& node) {
  if (!node.argument) return node.number;
  const double x = evaluate(*node.argument);
  return node.function ? node.function->native(std::fabs(x)) : x;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag(argv[i]);
    const double value = std::atof(argv[i + 1]);
    if (flag == "--scale") scale = value;
    if (flag == "--seconds") seconds = value;
  }
  register_all(static_cast<int>(600 * scale));
  double sum = 0;
  for (int sheet = 0; sheet < 60; ++sheet) {
    for (int cell = 0; cell < 1800 * scale; ++cell) {
      const std::string copy = std::to_string((cell * 7 + sheet) % 500);
      std::string formula = "sin." + copy + "(sqrt." + copy + "(exp." + copy + "(" + std::to_string(cell % 9) + ")))";
      std::size_t at = 0;
      const double value = evaluate(*parse(formula, at));
      if (std::isfinite(value)) sum += value;
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds / 60));
  }
  std::printf("%.6f\n", sum);
}

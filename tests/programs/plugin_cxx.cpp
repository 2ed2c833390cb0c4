// A plugin in C++ for plugin_host: news of all kinds, exceptions, a throwing new. Returns the news that it made itself.
#include <cstdint>
#include <cstdio>
#include <map>
#include <new>
#include <stdexcept>
#include <string>

namespace {
template <class T>
T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}
struct alignas(64) Wide {
  char bytes[64];
};
std::string* global_string = new std::string(1000, 'g');
struct Cleaner {
  ~Cleaner() { delete global_string; }
} cleaner;
volatile std::size_t huge = PTRDIFF_MAX;
}  // namespace

extern "C" int plugin_run() {
  int made = 0;
  for (int i = 0; i < 100; ++i) {
    delete opaque(new int(i)), ++made;
    delete[] opaque(new char[40]), ++made;
    delete opaque(new (std::nothrow) double(i)), ++made;
    delete opaque(new Wide), ++made;
  }
  std::map<int, std::string> map;
  for (int i = 0; i < 50; ++i) map[i] = std::string(100, 'm'), made += 2;
  try {
    opaque(static_cast<char*>(::operator new(huge)));
  } catch (const std::bad_alloc&) {
    ++made;
  }
  try {
    throw std::runtime_error("plugin");
  } catch (const std::exception& caught) {
    made += caught.what()[0] == 'p';
  }
  if (::operator new(huge, std::nothrow) == nullptr) ++made;
  return made;
}

// The plugin of unwind_stress: built twice, with frames of different layouts (PLUGIN_PAD), so that after dlclose and
// dlopen other code lies at the same addresses.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

struct Global {
  char* block = new char[PLUGIN_PAD];
  ~Global() { delete[] block; }
} global;

template <class T>
inline void keep(T const& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

template <int Padding>
__attribute__((noinline)) int nested(int depth, void (*touch)(size_t)) {
  char area[Padding];
  memset(area, depth, sizeof(area));
  keep(area);
  void* block = malloc(sizeof(area));
  touch(sizeof(area));
  int result = depth;
  if (depth > 0) result += nested<Padding>(depth - 1, touch);
  free(block);
  keep(area);
  return result;
}

}  // namespace

extern "C" int plugin_work(int depth, void (*touch)(size_t)) {
  keep(global);
#if PLUGIN_PAD > 100
  const int first = nested<PLUGIN_PAD + 72>(depth, touch);
  return first + nested<PLUGIN_PAD>(depth, touch);
#else
  return nested<PLUGIN_PAD>(depth, touch) + nested<24>(depth / 2, touch);
#endif
}

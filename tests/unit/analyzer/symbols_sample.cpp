// Compiled with optimization and debug information; symbols_test looks its addresses up. Each function tells an address
// inside itself.
#include <cstdint>

extern "C" __attribute__((noinline)) uint64_t address_of_caller() {
  return reinterpret_cast<uint64_t>(__builtin_return_address(0)) - 1;
}

namespace sample {

template <class T>
struct Holder {
  __attribute__((noinline)) static uint64_t where(T) {
    const uint64_t address = address_of_caller();  // line of Holder
    asm volatile("" ::: "memory");
    return address;
  }
};

static inline __attribute__((always_inline)) uint64_t innermost() {
  const uint64_t address = address_of_caller();  // line of innermost
  asm volatile("" ::: "memory");
  return address;
}

static inline __attribute__((always_inline)) uint64_t middle() {
  const uint64_t address = innermost();  // line of middle
  asm volatile("" ::: "memory");
  return address;
}

}  // namespace sample

extern "C" uint64_t sample_inlined() {
  const uint64_t address = sample::middle();  // line of outer
  asm volatile("" ::: "memory");
  return address;
}

extern "C" uint64_t sample_template() {
  const uint64_t address = sample::Holder<long*>::where(nullptr);
  asm volatile("" ::: "memory");
  return address;
}

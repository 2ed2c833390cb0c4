// Shapes whose fixed twin does hold its blocks, by something that is no pointer to look at: nobody may be sure that
// these are lost. The leaking twins erase what hides them.
#include <cstring>

#include "shapes.h"

namespace leaks {
namespace {

constexpr std::size_t kBlocks = 100;
constexpr std::size_t kBlock = 56;
constexpr const char* kMemcheck = "calls it lost";

std::uint64_t coded[kBlocks];
std::uint32_t narrow[kBlocks];

[[gnu::noinline]] std::uint64_t take_as_number() { return reinterpret_cast<std::uint64_t>(take(kBlock)); }

template <std::uint64_t (*Encode)(std::uint64_t)>
[[gnu::noinline]] void hide() {
  for (std::uint64_t& word : coded) word = Encode(take_as_number());
}

template <std::uint64_t (*Encode)(std::uint64_t)>
[[gnu::noinline]] void lose_hidden() {
  hide<Encode>();
  std::memset(coded, 0, sizeof coded);
}

std::uint64_t low_bits(std::uint64_t pointer) { return pointer | 5; }
std::uint64_t high_bits(std::uint64_t pointer) { return pointer | std::uint64_t{0xabcd} << 48; }
std::uint64_t both_bits(std::uint64_t pointer) { return pointer | std::uint64_t{0x8001} << 48 | 3; }

// --- each node's link is the exclusive or of its neighbours; the program knows the two ends

struct XorNode {
  std::uint64_t link;
  std::uint64_t data[6];
};

[[gnu::noinline]] void build_xor_list() {
  XorNode* before = nullptr;
  XorNode* node = static_cast<XorNode*>(take(sizeof(XorNode)));
  held_many[0] = node;
  for (std::size_t i = 1; i < kBlocks; ++i) {
    auto* next = static_cast<XorNode*>(take(sizeof(XorNode)));
    node->link = reinterpret_cast<std::uint64_t>(before) ^ reinterpret_cast<std::uint64_t>(next);
    before = node;
    node = next;
  }
  node->link = reinterpret_cast<std::uint64_t>(before);
  held_many[1] = node;
}

// Not only are the ends forgotten: with the links still there nobody could be sure.
[[gnu::noinline]] void lose_xor_list() {
  build_xor_list();
  std::uint64_t before = 0;
  for (auto* node = static_cast<XorNode*>(held_many[0]); node != nullptr;) {
    const std::uint64_t next = node->link ^ before;
    before = reinterpret_cast<std::uint64_t>(node);
    node->link = 0;
    node = reinterpret_cast<XorNode*>(next);
  }
  held_many[0] = nullptr;
  held_many[1] = nullptr;
}

// --- 32 bits of a pointer: its lower half (the upper one is the same for all), or its distance from a base in words

template <unsigned Shift, bool FromBase>
[[gnu::noinline]] void hide_in_32_bits() {
  held = take(kBlock);
  const std::uint64_t base = FromBase ? reinterpret_cast<std::uint64_t>(static_cast<void*>(held)) : 0;
  for (std::uint32_t& word : narrow) word = static_cast<std::uint32_t>((take_as_number() - base) >> Shift);
}

template <unsigned Shift, bool FromBase>
[[gnu::noinline]] void lose_32_bits() {
  hide_in_32_bits<Shift, FromBase>();
  std::memset(narrow, 0, sizeof narrow);
}

constexpr std::size_t kBytes = kBlocks * kBlock;
constexpr Shape kShapes[] = {
    {"tagged_low_bits", lose_hidden<low_bits>, hide<low_bits>, kBlocks, kBytes},
    {"tagged_high_bits", lose_hidden<high_bits>, hide<high_bits>, kBlocks, kBytes, Kind::kPlain, kMemcheck},
    {"tagged_both", lose_hidden<both_bits>, hide<both_bits>, kBlocks, kBytes, Kind::kPlain, kMemcheck},
    {"xor_list", lose_xor_list, build_xor_list, kBlocks, kBytes, Kind::kPlain, kMemcheck},
    {"compressed_half", lose_32_bits<0, false>, hide_in_32_bits<0, false>, kBlocks, kBytes, Kind::kPlain, kMemcheck},
    {"compressed_words", lose_32_bits<3, false>, hide_in_32_bits<3, false>, kBlocks, kBytes, Kind::kPlain, kMemcheck},
    {"compressed_base", lose_32_bits<3, true>, hide_in_32_bits<3, true>, kBlocks, kBytes, Kind::kPlain, kMemcheck},
};

}  // namespace

std::span<const Shape> hidden_shapes() { return kShapes; }

}  // namespace leaks

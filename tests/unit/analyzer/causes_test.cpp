// Which units are one cause, on call trees that are written down here.
#include "analyzer/classify/causes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace tidemark::classify {
namespace {

using model::VerdictClass;
using model::VerdictKind;

constexpr VerdictKind kLeak = VerdictKind::kUnboundedRetention;

class Causes : public ::testing::Test {
 protected:
  // A node so many frames below another one.
  uint32_t below(uint32_t node, uint32_t frames) {
    for (uint32_t i = 0; i < frames; ++i) {
      tree_.define(next_, node, 0x1000 + next_, false, 0);
      node = next_++;
    }
    return node;
  }
  void unit(uint32_t node, uint64_t blocks, uint64_t bytes, std::optional<uint32_t> root, VerdictKind kind = kLeak) {
    Cause cause;
    cause.unit.node = node;
    cause.unit.sites = {node};
    cause.unit.held = {blocks, bytes};
    cause.unit.most_bytes = static_cast<double>(bytes);
    cause.judgement.verdict_class = kind == kLeak ? VerdictClass::kTrueLeak : VerdictClass::kRetainedByDesign;
    cause.judgement.kind = kind;
    cause.root = root;
    units_.push_back(std::move(cause));
  }
  // By bytes, the most first.
  std::vector<Cause> joined() {
    std::vector<Cause> causes = join_causes(tree_, std::move(units_));
    units_.clear();
    std::sort(causes.begin(), causes.end(),
              [](const Cause& a, const Cause& b) { return a.unit.held.bytes > b.unit.held.bytes; });
    return causes;
  }
  size_t count_joined() { return joined().size(); }

  replay::CallTree tree_;
  uint32_t next_ = 1;
  std::vector<Cause> units_;
};

TEST_F(Causes, AlikeUnitsOfOneRootBelowACloseCallerAreOne) {
  for (const uint32_t frames : {1, 14, 15}) {
    const uint32_t caller = below(0, 3);
    unit(below(caller, 2), 10, 1000, 7);
    unit(below(caller, frames), 20, 500, 7);
    const std::vector<Cause> causes = joined();
    ASSERT_EQ(causes.size(), frames <= 14 ? 1u : 2u) << frames;
    EXPECT_EQ(causes[0].joined, frames <= 14);
    if (frames > 14) continue;
    EXPECT_EQ(causes[0].unit.held.bytes, 1500u);
    EXPECT_EQ(causes[0].unit.held.blocks, 30u);
    EXPECT_EQ(causes[0].unit.most_bytes, 1500);
    EXPECT_EQ(causes[0].unit.sites.size(), 2u);
  }
}

TEST_F(Causes, WithoutAKnownRootTheCallerMustBeCloser) {
  for (const uint32_t frames : {5, 6}) {
    for (const bool first_known : {true, false}) {
      const uint32_t caller = below(0, 3);
      unit(below(caller, 2), 10, 1000, first_known ? std::optional<uint32_t>(7) : std::nullopt);
      unit(below(caller, frames), 20, 500, std::nullopt);
      EXPECT_EQ(count_joined(), frames == 5 ? 1u : 2u) << frames;
    }
  }
}

// And the root that is known is the cause's.
TEST_F(Causes, TheKnownRootStays) {
  const uint32_t caller = below(0, 3);
  unit(below(caller, 2), 10, 1000, std::nullopt);
  unit(below(caller, 2), 20, 500, 7);
  unit(below(caller, 2), 20, 300, 8);  // of another root than the two
  const std::vector<Cause> causes = joined();
  ASSERT_EQ(causes.size(), 2u);
  EXPECT_EQ(causes[0].unit.held.bytes, 1500u);
  EXPECT_EQ(causes[0].root, 7u);
}

TEST_F(Causes, UnitsOfOtherRootsKindsOrStacksStayApart) {
  const uint32_t caller = below(0, 3);
  unit(below(caller, 2), 10, 1000, 7);
  unit(below(caller, 2), 10, 900, 8);
  EXPECT_EQ(count_joined(), 2u);
  unit(below(caller, 2), 10, 1000, 7);
  unit(below(caller, 2), 10, 900, 7, VerdictKind::kWorkingSet);
  EXPECT_EQ(count_joined(), 2u);
  unit(below(0, 2), 10, 1000, 7);  // nothing but the root of the tree is shared
  unit(below(0, 2), 10, 900, 7);
  EXPECT_EQ(count_joined(), 2u);
}

TEST_F(Causes, AContainersArrayHasTheVerdictOfItsContents) {
  for (const uint64_t array_bytes : {500, 5000}) {  // whichever of the two is larger
    for (const uint64_t blocks : {15, 16}) {
      const uint32_t caller = below(0, 3);
      unit(below(caller, 2), blocks, 1000, 7);
      unit(below(caller, 14), 1, array_bytes, 7, VerdictKind::kWorkingSet);
      const std::vector<Cause> causes = joined();
      ASSERT_EQ(causes.size(), blocks == 16 ? 1u : 2u);
      if (blocks != 16) continue;
      EXPECT_EQ(causes[0].judgement.kind, kLeak);
      EXPECT_EQ(causes[0].unit.held.bytes, 1000 + array_bytes);
      EXPECT_TRUE(causes[0].joined);
    }
  }
}

TEST_F(Causes, OtherFewBlocksAreNoContainer) {
  const uint32_t caller = below(0, 3);
  unit(below(caller, 2), 100, 1000, 7);
  unit(below(caller, 15), 1, 500, 7, VerdictKind::kWorkingSet);          // too far
  unit(below(caller, 2), 1, 400, 8, VerdictKind::kStartup);              // of another root
  unit(below(caller, 2), 1, 300, std::nullopt, VerdictKind::kEpisodic);  // of which nothing is known
  EXPECT_EQ(count_joined(), 4u);
}

// A table of tables: all of it goes by what it holds in the end.
TEST_F(Causes, ContainersOfContainers) {
  const uint32_t caller = below(0, 3);
  unit(below(caller, 2), 1, 100, 7, VerdictKind::kWorkingSet);
  unit(below(caller, 2), 20, 300, 7, VerdictKind::kStartup);
  unit(below(caller, 2), 1000, 9000, 7);
  const std::vector<Cause> causes = joined();
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_EQ(causes[0].judgement.kind, kLeak);
  EXPECT_EQ(causes[0].unit.held.bytes, 9400u);
}

}  // namespace
}  // namespace tidemark::classify

// Records of single events: what a comparison of two simulated runs rests on.
#include <gtest/gtest.h>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

std::unique_ptr<TestWorld> world(bool flip) {
  auto w = std::make_unique<TestWorld>(SimOptions{.seed = 5});
  for (std::uint32_t i = 0; i < 3; ++i) w->add(chatter(i, 3));
  Simulator* s = w->simulator.get();
  s->call_at(Time{Duration::seconds(4).ns}, [s, flip] {
    if (flip) static_cast<ScriptNode*>(s->mutable_node(1))->state ^= 1u << 20;
  });
  s->record_events(true);
  return w;
}

TEST(EventRecords, ASilentFlipOfStateShowsInTheVeryEventThatMadeIt) {
  const auto a = world(false);
  const auto b = world(true);
  for (;;) {
    ASSERT_TRUE(a->simulator->step().value());
    ASSERT_TRUE(b->simulator->step().value());
    if (!(a->simulator->last_event() == b->simulator->last_event())) break;
    ASSERT_LT(a->simulator->now(), Time{Duration::seconds(10).ns});
  }
  EXPECT_EQ(a->simulator->last_event().time, Time{Duration::seconds(4).ns});
  EXPECT_EQ(a->simulator->last_event().node, kOutside);
  EXPECT_EQ(a->simulator->last_event().kind, "driver call");
}

TEST(EventRecords, NameTheEventItsNodeAndItsContent) {
  TestWorld w;
  w.add({});
  w.simulator->record_events(true);
  w.simulator->inject_request(Time{7}, 0, 3, buffer("a"));
  w.simulator->inject_request(Time{7}, 0, 3, buffer("b"));
  ASSERT_TRUE(w.simulator->step().value());
  EXPECT_EQ(w.simulator->last_event().kind, "boot");
  ASSERT_TRUE(w.simulator->step().value());
  const EventRecord first = w.simulator->last_event();
  EXPECT_EQ(first.kind, "request");
  EXPECT_EQ(first.index, 2u);
  EXPECT_EQ(first.time, Time{7});
  EXPECT_EQ(first.source, kOutside);
  ASSERT_TRUE(w.simulator->step().value());
  EXPECT_NE(w.simulator->last_event().payload, first.payload);
  EXPECT_FALSE(w.simulator->step().value());
}

}  // namespace
}  // namespace orrery::sim

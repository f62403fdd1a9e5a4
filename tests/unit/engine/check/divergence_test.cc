#include "engine/check/divergence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/codec.h"
#include "engine/base/random.h"

namespace orrery::check {
namespace {

struct Plan {
  std::uint64_t seed = 1;
  std::uint64_t events = 5000;
  std::uint64_t flip_at = 0;     // state of the event's node changes silently here
  std::uint64_t payload_at = 0;  // the event says something else here
  std::uint64_t fail_at = 0;
  int* made = nullptr;
};

// A toy world: three nodes take turns by the seed; each event changes its node's digest.
class Toy final : public Steppable {
 public:
  explicit Toy(Plan plan) : plan_(plan), random_(plan.seed, 0, 0) {
    if (plan_.made != nullptr) ++*plan_.made;
  }
  Result<bool> step() override {
    if (events_ == plan_.events) return false;
    ++events_;
    if (events_ == plan_.fail_at) return fail(ErrorCode::kInternal, "broken");
    const auto node = static_cast<std::uint32_t>(random_.below(3));
    const std::uint64_t payload = random_.next() + (events_ == plan_.payload_at ? 1 : 0);
    Writer out;
    out.u64(payload);
    nodes_[node] = extend(nodes_[node], out.view());
    if (events_ == plan_.flip_at) nodes_[node].lo ^= 1;
    if (recording_) {
      record_ = {events_,
                 Time{static_cast<std::int64_t>(events_ * 10)},
                 node,
                 node,
                 events_,
                 "toy",
                 hash128(out.view()),
                 nodes_[node]};
      ++recorded;
    }
    if (log_.due(events_)) checkpoint();
    return true;
  }
  std::uint64_t events() const override { return events_; }
  const DigestLog& log() const override { return log_; }
  void checkpoint() override { log_.add({events_, Time{}, {}, {nodes_[0], nodes_[1], nodes_[2]}}); }
  void record_events(bool on) override { recording_ = on; }
  const EventRecord& last_event() const override { return record_; }

  int recorded = 0;

 private:
  Plan plan_;
  RandomStream random_;
  std::uint64_t events_ = 0;
  Digest128 nodes_[3];
  DigestLog log_{64};
  bool recording_ = false;
  EventRecord record_;
};

MakeRun toy(Plan plan) {
  return [plan]() -> Result<std::unique_ptr<Steppable>> { return std::make_unique<Toy>(plan); };
}

TEST(Divergence, EqualRunsHaveNone) { EXPECT_FALSE(first_divergence(toy({}), toy({})).value()); }

TEST(Divergence, FindsTheEventThatSaysSomethingElse) {
  for (const std::uint64_t at : {1u, 63u, 64u, 65u, 1234u, 4999u, 5000u}) {
    const auto found = first_divergence(toy({}), toy({.payload_at = at})).value();
    ASSERT_TRUE(found) << at;
    EXPECT_EQ(found->event, at);
    EXPECT_EQ(found->a->index, at);
    EXPECT_NE(found->a->payload, found->b->payload);
    EXPECT_EQ(found->a->node, found->b->node);
    if (!found->before.empty()) {
      EXPECT_EQ(found->before.back().index, at - 1);
    }
    EXPECT_THAT(found->text(), testing::HasSubstr("event " + std::to_string(at) + " at 0.0000"));
  }
}

TEST(Divergence, FindsASilentChangeOfStateAtTheEventThatMadeIt) {
  const auto found = first_divergence(toy({.flip_at = 777}), toy({})).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->event, 777u);
  EXPECT_EQ(found->a->payload, found->b->payload);
  EXPECT_NE(found->a->after, found->b->after);
  EXPECT_EQ(found->before.size(), Divergence::kContext);
}

TEST(Divergence, FindsTheEndOfTheShorterRun) {
  const auto found = first_divergence(toy({.events = 3000}), toy({})).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->event, 3001u);
  EXPECT_FALSE(found->a);
  EXPECT_TRUE(found->b);
  EXPECT_THAT(found->text(), testing::HasSubstr("the run had ended"));
}

TEST(Divergence, RecordsOnlyTheWindowOfTheFirstDifferingCheckpoint) {
  Toy a({}), b({.payload_at = 4000});
  while (a.step().value()) b.step().value();
  const auto difference = compare(a.log(), b.log());
  ASSERT_TRUE(difference);
  EXPECT_LT(difference->equal_events, 4000u);
  EXPECT_GE(difference->different_events, 4000u);
  EXPECT_LE(difference->different_events - difference->equal_events, a.log().period());
  ASSERT_TRUE(difference->node);
  Toy c({}), d({.payload_at = 4000});
  const auto found =
      compare_events(c, d, difference->equal_events, difference->different_events).value();
  EXPECT_EQ(found->event, 4000u);
  EXPECT_EQ(found->a->node, *difference->node);
  EXPECT_LE(c.recorded, static_cast<int>(a.log().period()));
}

TEST(Divergence, ARunThatDoesNotRepeatItselfIsAnError) {
  int made = 0;
  const MakeRun moody = [&]() -> Result<std::unique_ptr<Steppable>> {
    return std::make_unique<Toy>(Plan{.payload_at = ++made == 1 ? 50u : 0u});
  };
  const auto found = first_divergence(moody, toy({}));
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, testing::HasSubstr("not when repeated"));
}

TEST(Divergence, AFailingRunIsReportedAsItsError) {
  const auto found = first_divergence(toy({}), toy({.fail_at = 10}));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message, "broken");
}

}  // namespace
}  // namespace orrery::check

#include "engine/check/checker.h"

#include <gtest/gtest.h>

namespace orrery::check {
namespace {

// Holds: n0 of kind 300 never decreases.
class Rising final : public Checker {
 public:
  explicit Rising(int* messages = nullptr) : messages_(messages) {}
  std::string_view name() const override { return "rising"; }
  std::string_view about() const override { return "The number never falls."; }
  std::vector<env::TraceKind> interests() const override { return {300, 300}; }
  void on_trace(Time now, std::uint32_t, const env::TraceEvent& e) override {
    EXPECT_EQ(e.kind, 300);
    check(e.n[0] >= last_, now, [&] {
      if (messages_ != nullptr) ++*messages_;
      return "fell to " + std::to_string(e.n[0]);
    });
    last_ = e.n[0];
  }
  void on_end(Time now) override {
    check(last_ < 100, now, [] { return std::string("ended too high"); });
  }

 private:
  int* messages_;
  std::uint64_t last_ = 0;
};

class Deaf final : public Checker {
 public:
  std::string_view name() const override { return "deaf"; }
  std::string_view about() const override { return "Never looks."; }
  std::vector<env::TraceKind> interests() const override { return {}; }
  void on_trace(Time, std::uint32_t, const env::TraceEvent&) override { FAIL(); }
};

void feed(CheckerSet& set, std::initializer_list<std::uint64_t> values) {
  std::int64_t t = 0;
  for (const std::uint64_t v : values) set.on_trace(Time{++t}, 0, {.kind = 300, .n = {v, 0, 0, 0}});
}

TEST(Checker, CountsLooksAndViolationsAndKeepsTheFirst) {
  int messages = 0;
  CheckerSet set;
  const Checker& checker = set.add(std::make_unique<Rising>(&messages));
  feed(set, {1, 5, 3, 9, 2});
  EXPECT_EQ(checker.checks(), 5u);
  EXPECT_EQ(checker.violations(), 2u);
  EXPECT_EQ(checker.first_violation()->time, Time{3});
  EXPECT_EQ(checker.first_violation()->text, "fell to 3");
  EXPECT_EQ(messages, 1);
  EXPECT_EQ(set.violations(), 2u);
}

TEST(Checker, AHealthyTraceHasNoViolation) {
  CheckerSet set;
  set.add(std::make_unique<Rising>());
  feed(set, {1, 1, 2});
  set.on_end(Time{9});
  EXPECT_EQ(set.at(0).checks(), 4u);
  EXPECT_EQ(set.violations(), 0u);
  EXPECT_FALSE(set.at(0).first_violation());
}

TEST(Checker, SeesTheEndOfTheRun) {
  CheckerSet set;
  set.add(std::make_unique<Rising>());
  feed(set, {200});
  set.on_end(Time{9});
  EXPECT_EQ(set.at(0).first_violation()->text, "ended too high");
}

TEST(CheckerSet, HandsOutOnlyKindsThatWereAskedForAndOnce) {
  CheckerSet set;
  const Checker& checker = set.add(std::make_unique<Rising>());
  set.add(std::make_unique<Deaf>());
  for (const env::TraceKind kind : std::vector<env::TraceKind>{1, 299, 301, 65535}) {
    set.on_trace({}, 0, {.kind = kind});
  }
  EXPECT_EQ(checker.checks(), 0u);
  feed(set, {1});
  EXPECT_EQ(checker.checks(), 1u);
}

TEST(CheckerSet, NoticesAnArmedCheckerThatNeverLooked) {
  CheckerSet set;
  set.add(std::make_unique<Rising>());
  set.add(std::make_unique<Deaf>());
  set.add(std::make_unique<Deaf>(), false);
  EXPECT_EQ(set.unarmed(), (std::vector<std::string>{"rising", "deaf"}));
  feed(set, {1});
  EXPECT_EQ(set.unarmed(), std::vector<std::string>{"deaf"});
}

}  // namespace
}  // namespace orrery::check

// A watcher follows every message from its sending to its hearing or loss, and changes nothing;
// rare doings are asked for by the world alone.
#include "engine/sim/watch.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

// Keeps the messages under way; what is heard or lost must be one of them.
struct Ledger final : Watcher {
  using Message = std::pair<std::uint32_t, std::uint64_t>;
  std::map<Message, std::string> open;
  std::uint64_t sent = 0, heard = 0, lost = 0, renumbered = 0, stray = 0, waited = 0;
  Duration cost{};

  void on_sent(const Sent& s) override {
    ++sent;
    open.insert_or_assign({s.from, s.number}, std::string(as_text(s.payload.view())));
  }
  void on_lost(Time, std::uint32_t from, std::uint64_t number) override {
    ++lost;
    stray += open.erase({from, number}) == 1 ? 0 : 1;
  }
  void on_renumbered(std::uint32_t from, std::uint64_t number, std::uint64_t next) override {
    ++renumbered;
    auto node = open.extract({from, number});
    if (node.empty()) {
      ++stray;
      return;
    }
    node.key() = {from, next};
    open.insert(std::move(node));
  }
  void on_handled(Time now, const EventKey& key, const env::Event& event, Duration c) override {
    cost = cost + c;
    if (now > key.time) ++waited;
    const auto* message = std::get_if<env::MessageIn>(&event);
    if (message == nullptr) return;
    ++heard;
    const auto it = open.find({key.source, key.counter});
    if (it == open.end() || it->second != as_text(message->payload.view())) {
      ++stray;
    } else {
      open.erase(it);
    }
  }
};

struct Outcome {
  Digest128 digest;
  std::uint64_t events = 0;
};

// Four nodes that talk over links that lose, duplicate, reorder and corrupt; a crash, a cut and a
// clog on the way.
Outcome stormy(Ledger* ledger, CpuProfile cpu = {}) {
  TestWorld world({.seed = 5,
                   .default_link = {.latency = {.kind = DistributionKind::kConst, .a = 10'000'000},
                                    .loss_ppm = 100'000,
                                    .duplicate_ppm = 100'000,
                                    .reorder_ppm = 200'000,
                                    .reorder_window = Duration::millis(50),
                                    .corrupt_ppm = 2'000}});
  for (std::uint32_t i = 0; i < 4; ++i) world.add(chatter(i, 4), {.cpu = cpu});
  Simulator& s = *world.simulator;
  s.watch(ledger);
  const auto at = [](int seconds) { return Time{Duration::seconds(seconds).ns}; };
  s.call_at(at(4), [&] { s.begin_clog({1, 1}, 0, {{0, 1}, {1, 0}, {2, 3}}); });
  s.call_at(at(9), [&] { s.end_clog({1, 1}, 0); });
  s.call_at(at(12), [&] { s.begin_partition({2, 1}, {{0, 1}, {2, 3}}); });
  s.call_at(at(40), [&] { s.end_partition({2, 1}); });
  s.call_at(at(45), [&] { s.crash({3, 1}, 2); });
  s.call_at(at(50), [&] { s.restart({3, 1}, 2); });
  world.run(Duration::seconds(60));
  const Outcome outcome{s.digest(), s.events()};
  s.watch(nullptr);
  return outcome;
}

TEST(Watcher, FollowsEveryMessageToItsEnd) {
  Ledger ledger;
  stormy(&ledger);
  EXPECT_EQ(ledger.stray, 0u);
  EXPECT_GT(ledger.heard, 500u);
  EXPECT_GT(ledger.lost, 50u);
  EXPECT_GT(ledger.renumbered, 5u) << "the clog held no datagram";
  EXPECT_EQ(ledger.sent, ledger.heard + ledger.lost + ledger.open.size());
  EXPECT_LT(ledger.open.size(), 100u) << "only what is under way at the end";
}

TEST(Watcher, KnowsWhatWaitedForABusyProcessor) {
  Ledger ledger;
  stormy(&ledger, {.message = Duration::millis(30), .timer = Duration::millis(10)});
  EXPECT_EQ(ledger.stray, 0u);
  EXPECT_GT(ledger.waited, 50u);
  EXPECT_GT(ledger.cost, Duration::seconds(5));
}

TEST(Watcher, ChangesNothing) {
  Ledger ledger;
  const Outcome watched = stormy(&ledger), alone = stormy(nullptr);
  EXPECT_EQ(watched.digest, alone.digest);
  EXPECT_EQ(watched.events, alone.events);
}

// How often each of many points is taken in 1,000 times.
std::map<std::string, int> taken(std::uint32_t ppm, std::uint64_t seed) {
  TestWorld world({.seed = seed, .rare_ppm = ppm});
  world.add({});
  world.run(Duration::seconds(1));
  std::map<std::string, int> times;
  for (int point = 0; point < 64; ++point) {
    const std::string name = "point-" + std::to_string(point);
    for (int i = 0; i < 1000; ++i) {
      times[name] += world.env(0).random.rare(stream_id(name)) ? 1 : 0;
    }
  }
  return times;
}

TEST(RareDoings, AreOffByDefault) {
  for (const auto& [point, times] : taken(0, 1)) EXPECT_EQ(times, 0) << point;
}

TEST(RareDoings, AreDrawnAtHalfOfThePointsAsOftenAsTheWorldSays) {
  int on = 0;
  double sum = 0;
  for (const auto& [point, times] : taken(100'000, 1)) {
    if (times == 0) continue;
    ++on;
    sum += times;
  }
  EXPECT_GT(on, 16);
  EXPECT_LT(on, 48);
  EXPECT_NEAR(sum / on, 100, 10);  // 5 sigma of the mean of 16 points
  EXPECT_NE(taken(100'000, 1), taken(100'000, 2));
}

}  // namespace
}  // namespace orrery::sim

// The kernel against a reference that does one event after the other from a sorted map, and against
// itself with other threads, orders of execution, and stops on the way.
#include "engine/sim/kernel.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "harness/threads/thread_crew.h"
#include "tests/bench/gossip.h"
#include "tests/bench/phold.h"

namespace orrery::sim {
namespace {

using Order = KernelOptions::Order;

struct Start {
  Time at;
  std::uint32_t node, word;
};

// Nodes that wake themselves at once, soon or late, and write to others after a least delay.
struct Restless {
  static constexpr Duration kLookahead{1000};
  struct Node {
    std::uint64_t state;
    std::uint32_t wakes;
  };
  std::uint32_t nodes;
  std::uint32_t spread;  // of delays beyond the least one

  template <class Self>
  void on(Self self, std::uint32_t word) const {
    Node& node = self.node();
    node.state = mix64(node.state ^ word, static_cast<std::uint64_t>(self.now().ns));
    const std::uint64_t what = self.draw() % 8;
    if (what < 3 && ++node.wakes % 16 != 0) {  // a bounded chain of wakes
      const std::int64_t delays[] = {0, 1 + static_cast<std::int64_t>(self.draw() % 50),
                                     kLookahead.ns * 1000};
      self.send(self.index(), Duration{delays[what]}, word + 1);
    } else {
      const auto delay = static_cast<std::int64_t>(self.draw() % spread);
      self.send(self.draw_below(nodes), kLookahead + Duration{delay}, word + 1);
    }
  }
};

// The definition of what a kernel does, as short as it can be.
template <class Model>
class Reference {
 public:
  struct Self {
    Reference& world;
    std::uint32_t i;
    Time at;
    std::uint32_t index() const { return i; }
    Time now() const { return at; }
    typename Model::Node& node() { return world.nodes[i]; }
    std::uint64_t draw() {
      return mix64(world.seed, static_cast<std::uint64_t>(i) << 32 | world.draws[i]++);
    }
    std::uint32_t draw_below(std::uint32_t n) {
      return static_cast<std::uint32_t>((draw() >> 32) * n >> 32);
    }
    void send(std::uint32_t to, Duration delay, std::uint32_t word) {
      ++world.pending[make_entry(static_cast<std::uint64_t>((at + delay).ns), to, word)];
    }
  };

  Reference(std::uint32_t n, std::uint64_t s) : seed(s), nodes(n), draws(n, 0) {}
  void run(const Model& model, const std::vector<Start>& starts, Time until) {
    for (const Start& s : starts) Self{*this, s.node, Time{}}.send(s.node, s.at - Time{}, s.word);
    while (!pending.empty()) {
      const auto first = pending.begin();
      const Entry entry = first->first;
      const Time at{static_cast<std::int64_t>(time_of(entry))};
      if (at > until) break;
      if (--first->second == 0) pending.erase(first);
      ++events;
      model.on(Self{*this, node_of(entry), at}, word_of(entry));
    }
  }

  std::uint64_t seed;
  std::vector<typename Model::Node> nodes;
  std::vector<std::uint32_t> draws;
  std::map<Entry, int> pending;
  std::uint64_t events = 0;
};

struct Way {  // to run a kernel
  unsigned threads;
  Order order;
  Duration step{};  // stops after each; 0: none
};
const std::vector<Way> kWays = {
    {1, Order::kAutomatic}, {1, Order::kOneByOne}, {1, Order::kWindows},
    {2, Order::kAutomatic}, {4, Order::kWindows},  {3, Order::kAutomatic, Duration{7'777'777}}};

template <class Model>
Kernel<Model> run(const Model& model, const KernelOptions& options,
                  const std::vector<Start>& starts, Time until, const Way& way) {
  KernelOptions mine = options;
  mine.order = way.order;
  auto kernel = Kernel<Model>::make(mine, model);
  for (const Start& s : starts) kernel->schedule(s.at, s.node, s.word);
  harness::ThreadCrew crew(way.threads);
  if (way.step > Duration{}) {
    while (kernel->now() + way.step < until) kernel->run_until(kernel->now() + way.step, &crew);
  }
  kernel->run_until(until, &crew);
  return std::move(*kernel);
}

std::vector<Start> at_each_node(std::uint32_t nodes, std::uint32_t each, std::uint32_t word) {
  std::vector<Start> starts;
  for (std::uint32_t i = 0; i < nodes * each; ++i) starts.push_back({Time{i % 5}, i / each, word});
  return starts;
}

TEST(Kernel, DoesWhatTheReferenceDoesInWhicheverWayItRuns) {
  struct World {
    std::uint32_t nodes, each, spread;
    Time until;
  };
  // Sparse, dense, and crowded at few instants.
  for (const World& w : {World{50, 1, 2'000'000, Time{400'000'000}},
                         World{9000, 4, 20'000, Time{30'000}}, World{5000, 8, 2, Time{9000}}}) {
    const Restless model{w.nodes, w.spread};
    const KernelOptions options{.nodes = w.nodes, .seed = 3, .lookahead = Restless::kLookahead};
    const auto starts = at_each_node(w.nodes, w.each, 0);
    Reference<Restless> reference(w.nodes, options.seed);
    reference.run(model, starts, w.until);
    ASSERT_GT(reference.events, 5u * w.nodes);
    for (Way way : kWays) {
      if (way.step > Duration{}) way.step = Duration{w.until.ns / 50};
      const auto kernel = run(model, options, starts, w.until, way);
      EXPECT_EQ(kernel.events(), reference.events);
      for (std::uint32_t i = 0; i < w.nodes; ++i) {
        ASSERT_EQ(kernel.node(i).state, reference.nodes[i].state)
            << "node " << i << " of " << w.nodes << ", threads " << way.threads;
      }
    }
  }
}

// Runs in all ways; `shared` if the windows are large enough for more than one thread.
template <class Model>
void expect_one_digest(const Model& model, const KernelOptions& options,
                       const std::vector<Start>& starts, Time until, bool shared) {
  const auto first = run(model, options, starts, until, kWays[0]);
  EXPECT_GT(first.events(), 100'000u);
  EXPECT_EQ(first.shared_windows(), 0u);
  for (const Way& way : kWays) {
    const auto kernel = run(model, options, starts, until, way);
    EXPECT_EQ(kernel.digest(), first.digest())
        << "threads " << way.threads << ", order " << static_cast<int>(way.order);
    EXPECT_EQ(kernel.events(), first.events());
    EXPECT_EQ(kernel.shared_windows() > 0, shared && way.threads > 1);
  }
}

TEST(Kernel, PholdHasOneDigestWhateverTheThreads) {
  const std::uint32_t nodes = 20'000;
  const bench::Phold model{nodes};
  const KernelOptions options{.nodes = nodes, .lookahead = bench::Phold::kLookahead};
  const auto starts = at_each_node(nodes, 6, bench::Phold::kStart);
  expect_one_digest(model, options, starts, Time{1'500'000'000}, true);
}

TEST(Kernel, GossipHasOneDigestWhateverTheThreads) {
  const std::uint32_t nodes = 15'000;
  const bench::GossipGraph graph(nodes);
  const bench::Gossip model{graph};
  std::vector<Start> starts;
  for (std::int32_t b = 0; b < 12; ++b) {
    // A hundred milliseconds apart, so that waves overlap and fill the windows.
    starts.push_back({Time{b * 100'000'000},
                      bench::gossip_finder(static_cast<std::uint32_t>(b), nodes),
                      bench::Gossip::make_word(b, bench::GossipKind::kFound, 0)});
  }
  const KernelOptions options{.nodes = nodes, .lookahead = Duration{graph.least_latency()}};
  expect_one_digest(model, options, starts, Time{20'000'000'000}, true);
}

TEST(Kernel, FewEventsAWindowStayOnOneThread) {
  const bench::Phold model{2000};
  const KernelOptions options{.nodes = 2000, .lookahead = bench::Phold::kLookahead};
  expect_one_digest(model, options, at_each_node(2000, 1, bench::Phold::kStart),
                    Time{60'000'000'000}, false);
}

TEST(Kernel, TheSeedAndEachEventShowInTheDigest) {
  const std::uint32_t nodes = 100;
  const Restless model{nodes, 5000};
  const auto starts = at_each_node(nodes, 1, 0);
  const auto digest = [&](KernelOptions options, std::vector<Start> events) {
    options.nodes = nodes;
    options.lookahead = Restless::kLookahead;
    return run(model, options, events, Time{100'000}, kWays[0]).digest();
  };
  const Digest128 first = digest({}, starts);
  EXPECT_NE(digest({.seed = 2}, starts), first);
  auto later = starts, other_word = starts, one_more = starts;
  later[50].at.ns += 1;
  other_word[50].word ^= 1;
  one_more.push_back(starts[50]);
  EXPECT_NE(digest({}, later), first);
  EXPECT_NE(digest({}, other_word), first);
  EXPECT_NE(digest({}, one_more), first);
}

TEST(Kernel, RefusesOptionsOutOfRangeAndMessagesThatAreTooFast) {
  const Restless model{2, 10};
  EXPECT_FALSE(Kernel<Restless>::make({.nodes = 0, .lookahead = Duration{1}}, model).has_value());
  EXPECT_FALSE(Kernel<Restless>::make({.nodes = 2, .lookahead = Duration{}}, model).has_value());
  auto kernel = Kernel<Restless>::make({.nodes = 2, .lookahead = Duration{2000}}, model);
  kernel->schedule(Time{5}, 0, 0);
  EXPECT_THROW(kernel->schedule(Time{-1}, 0, 0), EnsureFailure);
  EXPECT_THROW(kernel->schedule(Time{5}, 2, 0), EnsureFailure);
  EXPECT_THROW(kernel->run_until(Time{1'000'000}), EnsureFailure);  // 1000 ns to another node
}

}  // namespace
}  // namespace orrery::sim

#include "tests/bench/workload.h"

#include <algorithm>
#include <utility>

#include "engine/base/distribution.h"

namespace orrery::bench {

std::int64_t phold_span(std::uint64_t events, std::uint64_t pending) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return static_cast<std::int64_t>(static_cast<u128>(events) * kSecond / pending);
}

struct PholdDelays::Impl {
  Distribution exponential;
};
PholdDelays::PholdDelays()
    : impl_(new Impl{*Distribution::make({.kind = DistributionKind::kExp, .a = kPholdMean})}) {}
PholdDelays::~PholdDelays() = default;
std::int64_t PholdDelays::at(std::uint64_t draw) const { return impl_->exponential.at(draw); }

GossipGraph::GossipGraph(std::uint32_t nodes) : links_(std::size_t{nodes} * kDegree) {
  RandomStream random(5, 0, stream_id("bench.gossip_graph"));
  const Distribution latency = *Distribution::make(
      {.kind = DistributionKind::kLognormal, .a = 86'600'000, .shape_q32 = 1'417'339'208});
  std::vector<std::uint32_t> used(nodes, 0), ring(nodes);
  for (std::uint32_t r = 0; r < kDegree / 2; ++r) {
    for (std::uint32_t i = 0; i < nodes; ++i) ring[i] = i;
    for (std::uint32_t i = nodes; i-- > 1;) {
      std::swap(ring[i], ring[random.below(std::uint64_t{i} + 1)]);
    }
    for (std::uint32_t i = 0; i < nodes; ++i) {
      const std::uint32_t a = ring[i], b = ring[(i + 1) % nodes];
      const std::int64_t ns = latency.at(random.next());
      const std::uint32_t at_a = used[a]++, at_b = used[b]++;
      links_[std::size_t{a} * kDegree + at_a] = {b, at_b, ns};
      links_[std::size_t{b} * kDegree + at_b] = {a, at_a, ns};
      least_latency_ = std::min(least_latency_, ns);
    }
  }
}

}  // namespace orrery::bench

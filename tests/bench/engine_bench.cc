// Measures the kernel.   engine_bench phold|gossip --nodes=N ...
//   phold   --each=E events a node, --events=M about so many are timed
//   gossip  --blocks=B
//   both    --threads=T (1), --digests=0 leaves the digest of events out, --order=1 one by one,
//           --order=2 windows, 0 (default) the kernel's choice
// Prints one line of JSON. See harness/bench.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "engine/sim/kernel.h"
#include "harness/threads/thread_crew.h"
#include "tests/bench/gossip.h"
#include "tests/bench/measure.h"
#include "tests/bench/phold.h"

namespace orrery::bench {
namespace {

struct Arguments {
  std::uint32_t nodes, threads;
  std::uint64_t each, events, blocks;
  sim::KernelOptions::Order order;
};

// Growth of resident memory since `before`.
std::uint64_t grown(std::uint64_t before) { return memory_bytes("VmRSS:") - before; }

template <class KernelType>
std::string more(const KernelType& kernel) {
  return fmt::format(", \"digest\": \"{}\", \"shared_windows\": {}, \"own_windows\": {}",
                     to_hex(kernel.digest()), kernel.shared_windows(), kernel.own_windows());
}

template <bool kDigests>
void phold(const Arguments& a) {
  const Phold model{a.nodes};
  const std::uint64_t before = memory_bytes("VmRSS:");
  auto made = sim::Kernel<Phold, kDigests>::make(
      {.nodes = a.nodes, .seed = kPholdSeed, .lookahead = Phold::kLookahead, .order = a.order},
      model);
  auto& kernel = *made;
  const std::uint64_t node_bytes = grown(before) / a.nodes;
  harness::ThreadCrew crew(a.threads);
  for (std::uint32_t i = 0; i < a.nodes; ++i) {
    for (std::uint64_t n = 0; n < a.each; ++n) kernel.schedule(Time{}, i, Phold::kStart);
  }
  kernel.run_until(Time{kPholdWarmUp}, &crew);
  const std::uint64_t warm = kernel.events(), pending = a.nodes * a.each;
  Measured m = timed(
      [&] { kernel.run_until(kernel.now() + Duration{phold_span(a.events, pending)}, &crew); });
  m.events = kernel.events() - warm;
  m.pending_bytes = (grown(before) - node_bytes * a.nodes) / pending;
  m.check = phold_check(a.nodes, [&](std::uint32_t i) { return kernel.node(i).handled; });
  m.print(
      fmt::format("{}, \"engine_bytes_a_node\": {}", more(kernel), node_bytes - sizeof(Phold::Node))
          .c_str());
}

template <bool kDigests>
void gossip(const Arguments& a) {
  const GossipGraph graph(a.nodes);
  const Gossip model{graph};
  auto made = sim::Kernel<Gossip, kDigests>::make(
      {.nodes = a.nodes, .lookahead = Duration{graph.least_latency()}, .order = a.order}, model);
  auto& kernel = *made;
  harness::ThreadCrew crew(a.threads);
  for (std::uint32_t b = 0; b < a.blocks; ++b) {
    kernel.schedule(Time{kGossipInterval * b}, gossip_finder(b, a.nodes),
                    Gossip::make_word(static_cast<std::int32_t>(b), GossipKind::kFound, 0));
  }
  const Time end{kGossipInterval * static_cast<std::int64_t>(a.blocks + 10)};
  Measured m = timed([&] { kernel.run_until(end, &crew); });
  const GossipResult result =
      gossip_result(a.nodes, [&](std::uint32_t i) -> const GossipNode& { return kernel.node(i); });
  m.events = result.messages;
  m.check = result.check();
  m.print(more(kernel).c_str());
}

int run(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const auto number = [&](const char* name, std::uint64_t otherwise) {
    return number_of(argc, argv, name, otherwise);
  };
  const Arguments a{.nodes = static_cast<std::uint32_t>(number("nodes", 1000)),
                    .threads = static_cast<std::uint32_t>(number("threads", 1)),
                    .each = number("each", 1),
                    .events = number("events", 2'000'000),
                    .blocks = number("blocks", 100),
                    .order = static_cast<sim::KernelOptions::Order>(number("order", 0))};
  const bool digests = number("digests", 1) != 0;
  const bool valid = a.nodes >= 3 && a.threads >= 1 &&
                     a.threads <= harness::ThreadCrew::kMaxThreads && a.each >= 1 &&
                     a.events >= 1 && a.blocks < Gossip::kMaxBlocks && number("order", 0) <= 2;
  if (valid && what == "phold") {
    digests ? phold<true>(a) : phold<false>(a);
  } else if (valid && what == "gossip") {
    digests ? gossip<true>(a) : gossip<false>(a);
  } else {
    std::fputs("usage: engine_bench phold|gossip --nodes=N (3 or more) --threads=T ...\n", stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace orrery::bench

int main(int argc, char** argv) { return orrery::bench::run(argc, argv); }

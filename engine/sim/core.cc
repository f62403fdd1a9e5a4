#include "engine/sim/core.h"

namespace orrery::sim {
namespace {

// Precedes the words of a trace event in a chain; event classes are small numbers.
constexpr std::uint64_t kTraceTag = std::uint64_t{0x7472} << 48;

}  // namespace

void Core::trace(std::uint32_t node, const env::TraceEvent& event) {
  env::DigestChain& chain = chain_of(node);
  chain.add(kTraceTag | event.kind);
  chain.add(static_cast<std::uint64_t>(now.ns));
  for (const std::uint64_t n : event.n) chain.add(n);
  chain.add(event.a);
  chain.add(event.b);
  for (env::TraceSink* sink : sinks) sink->on_trace(now, node, event);
}

}  // namespace orrery::sim

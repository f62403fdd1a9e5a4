#include "engine/sim/core.h"

namespace orrery::sim {
namespace {

// Precedes the words of a trace event in a chain; event classes are small numbers.
constexpr std::uint64_t kTraceTag = std::uint64_t{0x7472} << 48;

void add(DigestChain& chain, const Hash256& hash) {
  for (std::size_t i = 0; i < hash.bytes.size(); i += 8) {
    std::uint64_t word = 0;
    for (std::size_t j = 8; j-- > 0;) word = word << 8 | hash.bytes[i + j];
    chain.add(word);
  }
}

}  // namespace

void Core::trace(std::uint32_t node, const env::TraceEvent& event) {
  DigestChain& chain = chain_of(node);
  chain.add(kTraceTag | event.kind);
  chain.add(static_cast<std::uint64_t>(now.ns));
  for (const std::uint64_t n : event.n) chain.add(n);
  add(chain, event.a);
  add(chain, event.b);
  for (env::TraceSink* sink : sinks) sink->on_trace(now, node, event);
}

}  // namespace orrery::sim

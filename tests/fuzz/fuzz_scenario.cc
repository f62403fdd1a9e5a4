// Scenario files: any text is loaded or answered with diagnostics, each with a place.
#include <string>

#include "scenarios/schema/load.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  static constexpr std::string_view kText = R"(orrery: 1
name: fuzz
about: a seed for the fuzzer
seed: 7
until: 60s
vars:
  latency: 40ms
models:
  - name: tiny
    weights_seed: 1
groups:
  - name: entry
    role: bootstrap
    count: 1
  - name: miners
    role: miner
    count: 2
    stake: 2000 AIGEN
    balance: 10 AIGEN
  - name: validators
    role: validator
    count: 4
    stake: 2000 AIGEN
    balance: 10 AIGEN
  - name: people
    role: user
    count: 3
    balance: 50 AIGEN
network:
  latency: lognormal(median=${latency}, sigma=0.6)
timeline:
  - at: t+30s
    do: crash
    targets: group(validators)[0]
asserts:
  - name: grows
    always: height >= 0
load:
  - name: chatting
    kind: chat
    users: group(people)
    rate: 2/s
    prompt: 20B
)";
  return {Bytes(kText.begin(), kText.end())};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const std::string text(as_text(ByteView(data, size)));
  const auto outcome = scenario::load_text(text, "fuzz.yaml");
  if (outcome) fuzz::accepted();
  FUZZ_CHECK(outcome || !outcome.error().empty());
  return 0;
}

// A proof from a liar: whatever verifies must be the truth, and a proof has one encoding.
#include <string>

#include "protocol/types/state_tree.h"
#include "tests/fuzz/fuzz.h"

namespace orrery::chain {
namespace {

const std::vector<std::string>& paths() {
  static const std::vector<std::string> all = {
      "/accounts/00ff/balance", "/accounts/00ff/nonce", "/accounts/0a11/balance",
      "/accounts/0a11",         "/models/long",         "/models/empty",
      "/accounts/00ff",         "/accounts/0b",         "/none",
      "/models/longer"};
  return all;
}

const StateTree& tree() {
  static const StateTree made = [] {
    StateTree t;
    for (std::size_t i = 0; i < 4; ++i) t.set(paths()[i], Bytes(16, std::uint8_t(i)));
    t.set("/models/long", Bytes(100, 1));
    t.set("/models/empty", {});
    return t;
  }();
  return made;
}

}  // namespace
}  // namespace orrery::chain

namespace orrery {

// The first byte chooses the path; the rest is the proof.
std::vector<Bytes> fuzz::seeds() {
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < chain::paths().size(); ++i) {
    Bytes input = {static_cast<std::uint8_t>(i)};
    const Bytes proof = chain::tree().prove(chain::paths()[i]).encode();
    input.insert(input.end(), proof.begin(), proof.end());
    out.push_back(std::move(input));
  }
  return out;
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  const std::string& path = chain::paths()[data[0] % chain::paths().size()];
  const auto proof = chain::StateProof::decode(bytes);
  if (!proof) return 0;
  FUZZ_CHECK(std::ranges::equal(proof->encode(), bytes));
  const auto shown = chain::verify_state(chain::tree().root(), path, *proof);
  if (!shown) return 0;
  fuzz::accepted();
  const auto truth = chain::tree().get(path);
  FUZZ_CHECK(shown->has_value() == truth.has_value());
  FUZZ_CHECK(!truth || std::ranges::equal(**shown, *truth));
  FUZZ_CHECK(*proof == chain::tree().prove(path));
  return 0;
}

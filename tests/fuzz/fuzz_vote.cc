// Pairs of votes: canonical, only the signed ones verify, and the slashing conditions do not depend
// on their order.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  Writer out;
  encode(out, sample_vote(2));
  encode(out, sample_vote(3));
  return {out.take()};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  Reader in(input);
  const chain::Vote a = chain::read_vote(in);
  const chain::Vote b = chain::read_vote(in);
  if (!in.finish()) return 0;
  fuzz::accepted();
  Writer out;
  encode(out, a);
  encode(out, b);
  FUZZ_CHECK(std::ranges::equal(out.view(), input));
  FUZZ_CHECK(equivocation(a, b) == equivocation(b, a));
  FUZZ_CHECK(equivocation(a, a) == chain::Equivocation::kNone);
  if (a.validator != b.validator) {
    FUZZ_CHECK(equivocation(a, b) == chain::Equivocation::kNone);
  }
  static const chain::Vote known[] = {fuzz::sample_vote(2), fuzz::sample_vote(3)};
  for (const chain::Vote& vote : {a, b}) {
    if (!check_signature(fuzz::kChain, vote)) continue;
    FUZZ_CHECK(vote == known[0] || vote == known[1]);
  }
  return 0;
}

// Commitments from workers: what is accepted encodes to the same bytes and can be compared.
#include "gpu/fast/toploc.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  std::vector<Bytes> seeds;
  for (const std::size_t count : {1u, 40u, 300u}) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i * 37 % 101) - 50.0f;
    seeds.push_back(gpu::toploc_commit(values)->encode());
  }
  return seeds;
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const auto claim = gpu::ToplocCommitment::decode(ByteView(data, size));
  if (!claim) return 0;
  fuzz::accepted();
  FUZZ_CHECK(claim->encode() == Bytes(data, data + size));
  const std::vector<float> values(claim->coefficients.size(), 1.0f);
  const auto distance = gpu::toploc_distance(*claim, values);
  FUZZ_CHECK(distance && distance->exponents <= distance->compared);
  return 0;
}

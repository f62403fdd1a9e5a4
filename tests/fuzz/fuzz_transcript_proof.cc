// Openings of a transcript: accepted bytes are the one encoding, and verifying them is safe.
#include "gpu/api/transcript.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  gpu::MerkleProof proof;
  proof.index = 5;
  proof.leaves = 8;
  proof.siblings.resize(3);
  return {proof.encode()};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  if (const auto decoded = gpu::MerkleProof::decode(input)) {
    fuzz::accepted();
    FUZZ_CHECK(std::ranges::equal(decoded->encode(), input));
    const std::vector<std::int32_t> row(4);
    FUZZ_CHECK(!gpu::verify_row(Hash256{}, {.position = 2, .layer = 1, .token = 0, .row = row}, 2,
                                *decoded));
  }
  return 0;
}

// Sampling parameters of a request: accepted bytes are the one encoding.
#include "gpu/api/inference.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  gpu::SamplingParams warm;
  warm.temperature = gpu::kTemperatureOne;
  warm.top_k = 40;
  warm.top_p = gpu::kTopPOne / 2;
  return {gpu::SamplingParams{}.encode(), warm.encode()};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  if (const auto decoded = gpu::SamplingParams::decode(input)) {
    fuzz::accepted();
    FUZZ_CHECK(std::ranges::equal(decoded->encode(), input));
  }
  return 0;
}

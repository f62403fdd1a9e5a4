// Results of inference as other nodes send them: accepted bytes are the one encoding.
#include "gpu/api/inference.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  gpu::InferenceResult result;
  result.output = Bytes(20, 65);
  result.prompt_tokens = 5;
  result.generated_tokens = 21;
  result.work_units = 1'000'000;
  return {result.encode(), gpu::InferenceResult{}.encode()};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  if (const auto decoded = gpu::InferenceResult::decode(input)) {
    fuzz::accepted();
    FUZZ_CHECK(std::ranges::equal(decoded->encode(), input));
  }
  return 0;
}

// Model files from anywhere: accepted bytes are the one encoding, and a stated shape allocates
// nothing that the bytes do not back.
#include "gpu/api/seeded_model.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {

std::vector<Bytes> fuzz::seeds() {
  gpu::ModelConfig config;
  config.dim = 16;
  config.hidden = 16;
  config.layers = 1;
  config.heads = 2;
  config.context = 8;
  return {gpu::make_seeded_model(config, 1).encode()};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const ByteView input(data, size);
  if (const auto decoded = gpu::ModelArtefact::decode(input)) {
    fuzz::accepted();
    FUZZ_CHECK(std::ranges::equal(decoded->encode(), input));
  }
  return 0;
}

// The comparison of device_decoding_test.cc on a CUDA device. Skipped where there is none.
// ORRERY_TOKEN_STEPS=N goes on until N token steps are compared (a million takes minutes).
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "gpu/cuda/cuda_device.h"
#include "tests/property/gpu/device_ways.h"

namespace orrery::gpu {
namespace {

std::uint64_t wished_steps() {
  const char* wish = std::getenv("ORRERY_TOKEN_STEPS");
  const std::uint64_t steps = wish == nullptr ? 0 : std::strtoull(wish, nullptr, 10);
  return steps > 0 ? steps : 20'000;
}

class CudaDecoding : public testing::Test {
 protected:
  void SetUp() override {
    const auto device = find_cuda_device();
    if (!device) GTEST_SKIP() << "skipped: " << device.error().message;
    RecordProperty("device", device->name);
  }
};

// Each pass has other tokens, so a million steps are a million different ones.
TEST_F(CudaDecoding, EveryWayGivesTheBitsOfTheCpu) {
  const auto accelerator = open_cuda_accelerator();
  ASSERT_TRUE(accelerator) << accelerator.error().message;
  const std::uint64_t wished = wished_steps();
  std::uint64_t steps = 0;
  for (std::uint32_t pass = 0; steps < wished; ++pass) {
    for (const ModelConfig& config : device_shapes()) {
      const ModelArtefact model = device_test_model(config);
      const Outcomes want = decode_on_cpu(model, pass);
      for (const DeviceWay& way : device_ways()) {
        steps += expect_equal_outcomes(**accelerator, model, way, want, pass);
        if (HasFatalFailure()) return;
        if (steps >= wished) break;
      }
      if (steps >= wished) break;
    }
  }
  RecordProperty("token_steps", std::to_string(steps));
  EXPECT_GE(steps, wished);
}

// Shapes wide enough for the library's int8 kernels, and long enough for many blocks.
TEST_F(CudaDecoding, ExecutionsOfTheBenchmarkShapeHaveTheDigestsOfTheCpu) {
  const auto backend = open_cuda_backend();
  ASSERT_TRUE(backend) << backend.error().message;
  const ModelArtefact model = make_seeded_model(
      {.dim = 288, .hidden = 768, .layers = 6, .heads = 6, .context = 256, .vocab = 32'000}, 1);
  const std::string prompt(100, 'o');
  for (const std::uint32_t temperature : {0u, 50'000u}) {
    const SamplingParams params{
        .max_tokens = 100, .temperature = temperature, .stop_on_eos = false};
    const auto want = CpuBackend().execute(model, as_bytes(prompt), params, 3, true);
    const auto got = (*backend)->execute(model, as_bytes(prompt), params, 3, false);
    ASSERT_TRUE(want);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->result, want->result);
  }
}

}  // namespace
}  // namespace orrery::gpu

// The kernels of gpu/cuda on the CPU, against the portable decoder of gpu/cpu, one token of one
// sequence at a time: for every way of spreading an item over lanes, batch, way of feeding and
// block size of the cache, in both families, every logit, residual row, leaf and clamp must be
// equal. A share of all combinations by default; ORRERY_TOKEN_STEPS=all tries every one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "gpu/cuda/device_backend.h"
#include "gpu/cuda/host_accelerator.h"
#include "tests/property/gpu/device_ways.h"

namespace orrery::gpu {
namespace {

bool try_all() {
  const char* wish = std::getenv("ORRERY_TOKEN_STEPS");
  return wish != nullptr && std::string(wish) == "all";
}

TEST(DeviceDecoding, EveryWayOnTheHostGivesTheBitsOfTheCpu) {
  const std::vector<DeviceWay> ways = device_ways();
  const std::size_t stride = try_all() ? 1 : 13;  // coprime to the factors: each value comes
  std::uint64_t steps = 0;
  std::size_t first = 0;
  for (const ModelConfig& config : device_shapes()) {
    const ModelArtefact model = device_test_model(config);
    const Outcomes want = decode_on_cpu(model);
    EXPECT_TRUE(config.family == Family::kLlama || want[0].clamps > 0) << "nothing is clamped";
    for (const std::uint32_t lanes : {1u, 4u, 32u}) {
      HostAccelerator accelerator(lanes);
      for (std::size_t i = first++ % stride; i < ways.size(); i += stride) {
        SCOPED_TRACE("lanes " + std::to_string(lanes));
        steps += expect_equal_outcomes(accelerator, model, ways[i], want);
        if (HasFatalFailure()) return;
      }
    }
  }
  RecordProperty("token_steps", std::to_string(steps));
  EXPECT_GE(steps, try_all() ? 100'000u : 5'000u);
}

TEST(DeviceDecoding, ExecutionsHaveTheDigestsOfTheCpu) {
  const DeviceBackend device("host", [] { return std::make_unique<HostAccelerator>(8); });
  for (const ModelConfig& config : device_shapes()) {
    const ModelArtefact model = device_test_model(config);
    for (const std::uint32_t temperature : {0u, 50'000u}) {
      const SamplingParams params{
          .max_tokens = 12, .temperature = temperature, .stop_on_eos = false};
      for (const bool keep_rows : {false, true}) {
        const auto want = CpuBackend().execute(model, as_bytes("the orrery"), params, 3, keep_rows);
        const auto got = device.execute(model, as_bytes("the orrery"), params, 3, keep_rows);
        ASSERT_TRUE(want && got);
        EXPECT_EQ(got->result, want->result);
        EXPECT_EQ(got->result.digest(), want->result.digest());
        EXPECT_TRUE(std::ranges::equal(got->transcript.row(3, 0), want->transcript.row(3, 0)));
      }
    }
  }
}

// Slots and blocks that a sequence leaves behind serve the next, whatever lies in them.
TEST(DeviceDecoding, BlocksOfClosedSequencesServeOthers) {
  const ModelConfig config = device_shapes()[0];
  const ModelArtefact model = device_test_model(config);
  HostAccelerator accelerator;
  const auto on_device = DeviceModel::make(accelerator, model);
  ASSERT_TRUE(on_device);
  const auto decoder = DeviceDecoder::make(
      accelerator, **on_device, {.max_rows = 4, .max_length = 12, .sequences = 2, .block = 4});
  ASSERT_TRUE(decoder);
  DeviceDecoder& d = **decoder;
  const auto feed = [&](std::uint32_t slot, std::uint32_t token) {
    const DeviceFeed one{slot, {&token, 1}};
    ASSERT_TRUE(d.step({&one, 1}));
  };
  const auto last_logits = [&] {
    const std::uint32_t row = 0;
    EXPECT_TRUE(d.project_logits({&row, 1}));
    return *d.logits(0);
  };
  const std::uint32_t a = d.open();
  for (std::uint32_t t = 0; t < 9; ++t) feed(a, 60 + t);
  const auto want = last_logits();
  const std::uint32_t b = d.open();
  for (std::uint32_t t = 0; t < 12; ++t) feed(b, 90 + t);
  d.close(a);
  const std::uint32_t c = d.open();
  EXPECT_EQ(c, a);
  for (std::uint32_t t = 0; t < 9; ++t) feed(c, 60 + t);
  EXPECT_EQ(last_logits(), want);
  EXPECT_EQ(*d.clamps(c), 0u);
}

}  // namespace
}  // namespace orrery::gpu

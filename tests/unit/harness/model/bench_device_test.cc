#include "harness/model/bench_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "gpu/api/seeded_model.h"
#include "gpu/cpu/cpu_backend.h"
#include "gpu/cpu/decoder.h"
#include "gpu/cpu/f32_network.h"
#include "gpu/cuda/device_backend.h"
#include "gpu/cuda/device_network.h"
#include "gpu/cuda/host_accelerator.h"
#include "harness/model/device_choice.h"

namespace orrery::model {
namespace {

using testing::HasSubstr;

constexpr gpu::ModelConfig kConfig{
    .dim = 32, .hidden = 48, .layers = 2, .heads = 2, .context = 160};

// What bench_inference compares a device's runs with.
Hash256 cpu_logits(const gpu::ModelArtefact& model, const std::vector<std::uint32_t>& tokens) {
  gpu::Decoder decoder(model, gpu::Kernel::kPortable, static_cast<std::uint32_t>(tokens.size()));
  decoder.append(tokens, nullptr);
  const auto logits = decoder.logits();
  return sha256({reinterpret_cast<const std::uint8_t*>(logits.data()), logits.size_bytes()});
}

TEST(BenchDevice, TimedRunsEndWithTheLogitsOfTheCpu) {
  const gpu::ModelArtefact model = gpu::make_seeded_model(kConfig, 3);
  gpu::HostAccelerator accelerator;
  TokenLists tokens;
  for (std::uint32_t s = 0; s < 3; ++s) {
    tokens.emplace_back();
    for (std::uint32_t i = 0; i < 140; ++i) tokens[s].push_back((i * 7 + s * 31) % 256);
  }
  const auto decoded = decode_on_device(accelerator, model, tokens);
  ASSERT_TRUE(decoded);
  for (std::uint32_t s = 0; s < 3; ++s) {
    EXPECT_EQ(decoded->logits[s], cpu_logits(model, tokens[s]));
  }
  const auto prompt = prompt_on_device(accelerator, model, tokens[1]);  // two steps
  ASSERT_TRUE(prompt);
  EXPECT_EQ(prompt->logits[0], decoded->logits[1]);
  EXPECT_GT(decoded->times.wall, 0);
}

TEST(BenchDevice, TheProfileIsTheLineThroughTwoJobs) {
  const auto profile = fit_profile("NVIDIA H200 (SXM)", {1'000, 0.003}, {5'000, 0.007});
  ASSERT_TRUE(profile);
  EXPECT_EQ(profile->name, "nvidia-h200-sxm");
  EXPECT_NEAR(profile->work_units_per_second, 1e6, 1e-3);
  EXPECT_NEAR(profile->job_overhead_seconds, 0.002, 1e-12);
  EXPECT_EQ(fit_profile("a", {1'000, 0.0001}, {2'000, 0.0003})->job_overhead_seconds, 0);
  EXPECT_FALSE(fit_profile("a", {1'000, 0.1}, {2'000, 0.1}));
  EXPECT_FALSE(fit_profile("a", {2'000, 0.1}, {2'000, 0.2}));
}

TEST(BenchDevice, ProfilesAreScenarioFragments) {
  EXPECT_EQ(profile_yaml({"nvidia-h200", 0.0001234, 2.5e9}, "by hand"),
            "# by hand\n"
            "devices:\n"
            "  - name: nvidia-h200\n"
            "    job_overhead: 124us\n"
            "    work_units_per_second: 2500000000\n");
}

TEST(BenchDevice, AProfileIsMeasuredOnAnyAccelerator) {
  gpu::HostAccelerator accelerator;
  const auto profile = measure_profile(accelerator, gpu::make_seeded_model(kConfig, 3), "Host");
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->name, "host");
  EXPECT_GT(profile->work_units_per_second, 1e5);
}

TEST(DeviceChoice, FallsBackOnlyWhereItMay) {
  EXPECT_TRUE(choose_backend("cpu")->note.empty());
  EXPECT_EQ(choose_backend("cpu")->backend->name(), "cpu");
  EXPECT_THAT(choose_device("tpu").error().message, HasSubstr("take cpu, cuda or auto"));
  const auto cuda = choose_device("cuda");
  const auto automatic = choose_device("auto");
  ASSERT_TRUE(automatic);
  EXPECT_EQ(automatic->cuda, cuda.has_value());
  EXPECT_FALSE(automatic->note.empty());
  if (!cuda) {
    EXPECT_EQ(cuda.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(automatic->note, HasSubstr(cuda.error().message));
    EXPECT_EQ(choose_backend("auto")->backend->name(), "cpu");
    EXPECT_EQ(choose_accelerator("cuda").error().message, cuda.error().message);
    EXPECT_EQ(choose_accelerator("auto")->accelerator, nullptr);
  }
  EXPECT_EQ(choose_accelerator("cpu")->accelerator, nullptr);
}

// Decodes with another model than it was given.
class Liar final : public gpu::Backend {
 public:
  std::string_view name() const override { return "liar"; }
  Result<std::unique_ptr<gpu::TextDecoder>> open(const gpu::ModelArtefact& model,
                                                 std::uint32_t capacity) const override {
    other_ = gpu::make_seeded_model(model.config, 99);
    return gpu::CpuBackend().open(other_, capacity);
  }

 private:
  mutable gpu::ModelArtefact other_;
};

TEST(DeviceChoice, ABackendThatDiffersInABitIsNotTaken) {
  const gpu::DeviceBackend host("host", [] { return std::make_unique<gpu::HostAccelerator>(); });
  EXPECT_TRUE(agrees_with_cpu(host));
  const Status refused = agrees_with_cpu(Liar());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the results of liar differ"));
}

// Gradients that are the processor's but for the last bit of one entry.
class NearlyRight final : public gpu::GradientSource {
 public:
  Result<float> add_gradient(const gpu::F32Model& model, const gpu::TokenBatch& batch, float weight,
                             std::span<float> gradient) override {
    gpu::F32Network network(model.config, gpu::Kernel::kPortable);
    const float loss = network.gradient(model, batch, weight, gradient);
    gradient.back() = std::nextafter(gradient.back(), 1.0f);
    return loss;
  }
};

TEST(DeviceChoice, GradientsThatDifferInABitAreNotTaken) {
  gpu::HostAccelerator host;
  gpu::DeviceNetwork network(kGradientProbe, host);
  EXPECT_TRUE(gradient_agrees_with_cpu(network));
  NearlyRight source;
  const Status refused = gradient_agrees_with_cpu(source);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the device's gradients differ"));
}

}  // namespace
}  // namespace orrery::model

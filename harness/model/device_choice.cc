#include "harness/model/device_choice.h"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "gpu/api/seeded_model.h"
#include "gpu/cpu/cpu_backend.h"
#include "gpu/cpu/f32_network.h"
#include "gpu/cuda/cuda_device.h"
#include "gpu/cuda/device_network.h"

namespace orrery::model {
namespace {

Status differs(std::string_view what) {
  return fail(ErrorCode::kInternal,
              fmt::format("the {} differ from the processor's: do not use it, take --device cpu, "
                          "and please report it",
                          what));
}

}  // namespace

Result<DeviceChoice> choose_device(const std::string& device) {
  if (device == "cpu") return DeviceChoice{};
  if (device != "cuda" && device != "auto") {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("device {:?} is unknown; take cpu, cuda or auto", device));
  }
  const auto found = gpu::find_cuda_device();
  if (found) return DeviceChoice{true, "computing on " + found->name};
  if (device == "cuda") return tl::unexpected<Error>(found.error());
  return DeviceChoice{false, "computing on the processor: " + found.error().message};
}

Status agrees_with_cpu(const gpu::Backend& backend) {
  const gpu::ModelArtefact model = gpu::make_seeded_model(
      {.dim = 128, .hidden = 192, .layers = 2, .heads = 4, .context = 96}, 1);
  const std::string prompt(70, 'o');
  for (const std::uint32_t temperature : {0u, gpu::kTemperatureOne}) {
    const gpu::SamplingParams params{
        .max_tokens = 16, .temperature = temperature, .stop_on_eos = false};
    ASSIGN_OR_RETURN(const auto want,
                     gpu::CpuBackend().generate(model, as_bytes(prompt), params, 1));
    ASSIGN_OR_RETURN(const auto got, backend.generate(model, as_bytes(prompt), params, 1));
    if (got.digest() == want.digest()) continue;
    return differs(fmt::format("results of {}", backend.name()));
  }
  return {};
}

Result<ChosenBackend> choose_backend(const std::string& device) {
  ASSIGN_OR_RETURN(DeviceChoice choice, choose_device(device));
  if (!choice.cuda) return ChosenBackend{std::make_unique<gpu::CpuBackend>(), choice.note};
  ASSIGN_OR_RETURN(auto backend, gpu::open_cuda_backend());
  TRY(agrees_with_cpu(*backend));
  return ChosenBackend{std::move(backend), choice.note};
}

Status gradient_agrees_with_cpu(gpu::GradientSource& source) {
  const gpu::F32Model model = gpu::make_f32_model(kGradientProbe, 1);
  std::vector<std::uint32_t> tokens(3 * kGradientProbe.context + 1);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = static_cast<std::uint32_t>(i * i % kGradientProbe.vocab);
  }
  const std::span all(tokens);
  const gpu::TokenBatch batch{all.first(tokens.size() - 1), all.subspan(1), 3,
                              kGradientProbe.context};
  std::vector<float> want(model.values.size());
  std::vector<float> got(model.values.size());
  gpu::F32Network network(kGradientProbe, gpu::available_kernels().back());
  const float loss = network.gradient(model, batch, 1.0f, want);
  ASSIGN_OR_RETURN(const float there, source.add_gradient(model, batch, 1.0f, got));
  const bool same = std::memcmp(want.data(), got.data(), want.size() * sizeof(float)) == 0 &&
                    std::memcmp(&loss, &there, sizeof(float)) == 0;
  return same ? Status{} : differs("device's gradients");
}

Result<ChosenAccelerator> choose_accelerator(const std::string& device) {
  ASSIGN_OR_RETURN(DeviceChoice choice, choose_device(device));
  if (!choice.cuda) return ChosenAccelerator{nullptr, choice.note};
  ASSIGN_OR_RETURN(auto accelerator, gpu::open_cuda_accelerator());
  gpu::DeviceNetwork network(kGradientProbe, *accelerator);
  TRY(gradient_agrees_with_cpu(network));
  return ChosenAccelerator{std::move(accelerator), choice.note};
}

}  // namespace orrery::model

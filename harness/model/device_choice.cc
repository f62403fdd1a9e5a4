#include "harness/model/device_choice.h"

#include <fmt/format.h>

#include "gpu/api/seeded_model.h"
#include "gpu/cpu/cpu_backend.h"
#include "gpu/cuda/cuda_device.h"

namespace orrery::model {

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
    return fail(ErrorCode::kInternal,
                fmt::format("the results of {} differ from the processor's: do not use it, take "
                            "--device cpu, and please report it",
                            backend.name()));
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

}  // namespace orrery::model

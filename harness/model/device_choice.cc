#include "harness/model/device_choice.h"

#include <fmt/format.h>

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

Result<ChosenBackend> choose_backend(const std::string& device) {
  ASSIGN_OR_RETURN(DeviceChoice choice, choose_device(device));
  if (!choice.cuda) return ChosenBackend{std::make_unique<gpu::CpuBackend>(), choice.note};
  ASSIGN_OR_RETURN(auto backend, gpu::open_cuda_backend());
  return ChosenBackend{std::move(backend), choice.note};
}

}  // namespace orrery::model

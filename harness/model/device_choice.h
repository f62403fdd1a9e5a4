// Which device executes models, as a user asked for it.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "gpu/api/inference.h"

namespace orrery::model {

struct ChosenBackend {
  std::unique_ptr<gpu::Backend> backend;
  std::string note;  // a line for people where the choice needs one, else empty
};

// "cpu"; "cuda", which is kUnsupported with the reason where there is no device; "auto", the device
// where there is one and else the CPU, with a note that says why. kInvalidArgument: another word.
// kInternal: a device that does not agree with the CPU.
Result<ChosenBackend> choose_backend(const std::string& device);

// Executes a small model with a prompt and some tokens there and on the CPU; kInternal if a bit of
// the two results differs. Part of choose_backend() for every device.
Status agrees_with_cpu(const gpu::Backend& backend);

// Whether to compute on the device, by the same words.
struct DeviceChoice {
  bool cuda = false;
  std::string note;
};
Result<DeviceChoice> choose_device(const std::string& device);

}  // namespace orrery::model

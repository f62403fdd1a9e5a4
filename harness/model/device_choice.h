// Which device executes models, as a user asked for it.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "gpu/api/gradient_source.h"
#include "gpu/api/inference.h"
#include "gpu/cuda/accelerator.h"

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

struct ChosenAccelerator {
  std::unique_ptr<gpu::Accelerator> accelerator;  // null: the processor
  std::string note;                               // as ChosenBackend has it
};
// For gradients (gpu/cuda/device_network.h), by the same words and with the same errors.
Result<ChosenAccelerator> choose_accelerator(const std::string& device);

// Computes a gradient there and on the CPU; kInternal if a bit of the two differs. `source` is of
// models of this shape. Part of choose_accelerator() for every device.
inline constexpr gpu::ModelConfig kGradientProbe{
    .dim = 96, .hidden = 160, .layers = 2, .heads = 3, .context = 64};
Status gradient_agrees_with_cpu(gpu::GradientSource& source);

// Whether to compute on the device, by the same words.
struct DeviceChoice {
  bool cuda = false;
  std::string note;
};
Result<DeviceChoice> choose_device(const std::string& device);

}  // namespace orrery::model

// Execution of exact-i8 models on accelerators.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gpu/api/inference.h"
#include "gpu/cuda/accelerator.h"

namespace orrery::gpu {

// Makes an accelerator of its own for whoever asks; called from any thread.
using OpenAccelerator = std::function<Result<std::unique_ptr<Accelerator>>()>;

// Each execution opens an accelerator and copies the model to it: there is no state to share, and
// no model that could be taken for another. Who runs many texts uses DeviceModel and DeviceDecoder.
class DeviceBackend final : public Backend {
 public:
  DeviceBackend(std::string name, OpenAccelerator open)
      : name_(std::move(name)), open_(std::move(open)) {}

  std::string_view name() const override { return name_; }
  Result<std::unique_ptr<TextDecoder>> open(const ModelArtefact& model,
                                            std::uint32_t capacity) const override;

 private:
  std::string name_;
  OpenAccelerator open_;
};

}  // namespace orrery::gpu

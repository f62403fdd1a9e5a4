// A model in an accelerator's memory: weights row after row, padded for products; tables and norms.
#pragma once

#include <memory>
#include <vector>

#include "gpu/api/model.h"
#include "gpu/cuda/arena.h"

namespace orrery::gpu {

class DeviceModel {
 public:
  // Copies the model. The accelerator must outlive it. kUnsupported: not enough memory.
  static Result<std::unique_ptr<DeviceModel>> make(Accelerator& accelerator,
                                                   const ModelArtefact& model);

  const ModelConfig& config() const { return config_; }
  const ModelView& view() const { return view_; }
  const std::vector<LayerView>& layers() const { return layers_; }

 private:
  explicit DeviceModel(const ModelConfig& config) : config_(config) {}
  // Cuts the memory; the same cuts for a null base, which only count.
  void lay_out(Carver& carver);
  void upload(Accelerator& accelerator, const ModelArtefact& model) const;

  ModelConfig config_;
  ModelView view_;
  std::vector<LayerView> layers_;
  Arena arena_;
};

}  // namespace orrery::gpu

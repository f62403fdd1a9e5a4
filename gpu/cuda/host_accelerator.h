// The kernels of gpu/cuda on the CPU: what CI compares with gpu/cpu, and what a device's products
// are tested against. Exact and slow.
#pragma once

#include "gpu/cuda/accelerator.h"

namespace orrery::gpu {

class HostAccelerator final : public Accelerator {
 public:
  // Lanes that share an item: a power of two up to HostLanes::kMost, emulated one after the other,
  // and then items run from last to first too; 1: plain loops.
  explicit HostAccelerator(std::uint32_t lanes = 1);

  std::string_view name() const override { return "host"; }
  Result<std::byte*> allocate(std::size_t bytes) override;
  void release(std::byte* memory) override;
  void upload(void* to, ByteView from) override;
  void download(std::span<std::uint8_t> to, const void* from) override;
  Status prepare(std::span<const DeviceProduct>) override { return {}; }  // is the definition
  void step(const StepView& view, std::span<const LayerView> layers) override;
  void logits(const StepView& view) override;
  void run(const DeviceKernel& kernel) override;
  Status multiply_floats(const FloatMatrices& matrices) override;  // TF32 as floats
  Status finish() override { return {}; }

  // The definition of a product, for tests of others.
  static void multiply(const DeviceProduct& product);

 private:
  std::uint32_t lanes_;
};

}  // namespace orrery::gpu

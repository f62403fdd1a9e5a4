// What runs the kernels of a step: memory, products and an order of work. The CUDA device is one
// (cuda_accelerator.h); the CPU emulates one for tests (host_accelerator.h). Everything else of the
// backend, from the layout of models to the paging of caches, is above this interface and the same
// for both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "gpu/cuda/device_kernel.h"
#include "gpu/cuda/lt_products.h"
#include "gpu/cuda/step_program.h"

namespace orrery::gpu {

// On the accelerator: weights are outputs x inputs, x rows x inputs, y rows x outputs.
struct FloatMatrices {
  LtType type;          // kF32 and kTf32: floats, kBf16: bfloat16; never kInt8
  const void* weights;  // of the type
  const void* x;        // of the type
  float* y;
  std::uint32_t outputs;
  std::uint32_t inputs;
  std::uint32_t rows;
};

// Work is done in the order of the calls; download() and finish() wait for it. Failures stick: the
// first is what finish() returns from then on. Owned by one user; not thread-safe. Accelerators of
// one device may be used from different threads.
class Accelerator {
 public:
  virtual ~Accelerator() = default;
  virtual std::string_view name() const = 0;

  // Zeroed memory at a multiple of 256 bytes. kUnsupported: there is not as much.
  virtual Result<std::byte*> allocate(std::size_t bytes) = 0;
  virtual void release(std::byte* memory) = 0;
  virtual void upload(void* to, ByteView from) = 0;
  virtual void download(std::span<std::uint8_t> to, const void* from) = 0;

  // Before the first step: readies these products with 1 to `rows` rows each and checks them
  // against the definition (self_test.h), in the buffers that they name, which are padded to
  // padded_product_rows() and whose contents are lost. kInternal: the accelerator's own kernels
  // fail too, and it must not be used.
  virtual Status prepare(std::span<const DeviceProduct> products) = 0;

  // run_step() and run_logits() of step_program.h. `view` lives for as long as the buffers do: the
  // same buffers with the same numbers of rows are the same work, which may be replayed.
  virtual void step(const StepView& view, std::span<const LayerView> layers) = 0;
  virtual void logits(const StepView& view) = 0;

  // All items of a kernel of attribution or training (device_attribution.h, device_network.h).
  virtual void run(const DeviceKernel& kernel) = 0;

  // y = x * weights^T in a type of floats; bits are the library's. kUnsupported: none there has it.
  virtual Status multiply_floats(const FloatMatrices& matrices) = 0;

  virtual Status finish() = 0;
};

// Rows of products are padded to tiles of a power of two, at least this many.
inline constexpr std::uint32_t kLeastProductRows = 32;

constexpr std::uint32_t padded_product_rows(std::uint32_t rows) {
  std::uint32_t padded = kLeastProductRows;
  while (padded < rows) padded *= 2;
  return padded;
}

}  // namespace orrery::gpu

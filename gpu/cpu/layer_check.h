// A verifier's check of one layer for a whole text: matrix products, which are most of the work,
// are taken from the worker and checked by Freivalds; everything between them is recomputed. A
// wrong row passes with probability at most 2^-20.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/cpu/freivalds.h"
#include "gpu/cpu/layer_trace.h"

namespace orrery::gpu {

// What the worker ships of a layer: int32 accumulators, positions x outputs of each matrix.
struct LayerProducts {
  std::vector<std::int32_t> qkv;
  std::vector<std::int32_t> out;
  std::vector<std::int32_t> gate_up;
  std::vector<std::int32_t> down;
};
// The products of an honest execution of `model`.
LayerProducts layer_products(const ModelArtefact& model, std::uint32_t layer, LayerInput input);

class LayerCheck {
 public:
  // The model must outlive it; the secret stays with the verifier.
  LayerCheck(const ModelArtefact& model, std::uint32_t layer, std::uint64_t secret);

  // Whether `products` are those of the layer on `input` and lead to the rows of `output`, which
  // left the layer at the same positions.
  bool accepts(LayerInput input, const LayerProducts& products, LayerInput output) const;

 private:
  const ModelArtefact& model_;
  std::uint32_t layer_;
  FreivaldsKey qkv_, out_, gate_up_, down_;
};

}  // namespace orrery::gpu

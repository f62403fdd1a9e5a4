// The order of kernels in a step. A launcher runs them one after the other:
//   launch(body, items)    every item of a body
//   launch.multiply(p)     the integer product of the first p.rows rows of q
// On the CPU it is HostAccelerator's loop, on a device a stream.
#pragma once

#include <cstdint>
#include <span>

#include "gpu/cuda/attention_bodies.h"
#include "gpu/cuda/bodies.h"
#include "gpu/cuda/leaf_body.h"

namespace orrery::gpu {

// acc[m][n] = sum over k of q[m][k] * matrix[n][k], for m < rows and n < matrix.rows; what lies
// beyond in the padding of `acc` is not looked at.
struct DeviceProduct {
  DeviceMatrix matrix;
  const std::int8_t* q;
  std::uint32_t q_stride;
  std::uint32_t rows;
  std::int32_t* acc;
  std::uint32_t acc_stride;  // at least matrix.padded_rows()
};

// DeviceProduct, scales and bias; into `values` (rows x stride), or onto the residual stream.
struct DeviceProjection {
  const DeviceMatrix& matrix;
  std::int32_t* values;
  std::uint32_t stride;
  bool to_residual;
};

template <class Launcher>
void run_projection(const Launcher& launch, const StepView& s, const DeviceProjection& p) {
  launch.multiply(DeviceProduct{p.matrix, s.q, s.q_stride, s.rows, p.values, p.stride});
  launch(bodies::ScaleTile{s, p.matrix, p.values, p.stride, p.to_residual},
         s.rows * bodies::ScaleTile::tiles(p.matrix.rows));
}

template <class Launcher>
void run_step(const Launcher& launch, const StepView& s, std::span<const LayerView> layers) {
  launch(bodies::EmbedRow{s}, s.rows);
  for (std::uint32_t l = 0; l < layers.size(); ++l) {
    const LayerView& w = layers[l];
    launch(bodies::NormRow{s, w.attention_norm, false}, s.rows);
    run_projection(launch, s, {w.qkv, s.out, s.out_stride, false});
    launch(bodies::StoreHead{s, l}, s.rows * s.model.heads);
    launch(bodies::AttendHead{s, l}, s.rows * s.model.heads);
    launch(bodies::QuantiseRow{s}, s.rows);
    run_projection(launch, s, {w.out, s.out, s.out_stride, true});
    launch(bodies::NormRow{s, w.mlp_norm, false}, s.rows);
    run_projection(launch, s, {w.gate_up, s.out, s.out_stride, false});
    launch(bodies::ActivateRow{s}, s.rows);
    run_projection(launch, s, {w.down, s.out, s.out_stride, true});
    if (s.kept != nullptr) launch(bodies::KeepRow{s, l}, s.rows);
  }
  if (s.leaves != nullptr) launch(bodies::LeafRow{s}, s.rows * s.model.layers);
}

// Logits of the rows in s.chosen, and the best token of each; s.rows is their number.
template <class Launcher>
void run_logits(const Launcher& launch, const StepView& s) {
  launch(bodies::NormRow{s, s.model.final_norm, true}, s.rows);
  run_projection(launch, s, {s.model.head, s.logits, s.logit_stride, false});
  launch(bodies::BestToken{s}, s.rows);
}

}  // namespace orrery::gpu

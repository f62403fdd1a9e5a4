// One sequence being decoded: KV cache, scratch and the forward pass of exact-i8 on the CPU.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/api/model.h"
#include "gpu/api/transcript.h"
#include "gpu/cpu/gemm.h"
#include "gpu/cpu/row_kernels.h"

namespace orrery::gpu {

// Tokens that share one pass over the weights; larger prompts go in several passes. The split
// cannot be seen in any result.
inline constexpr std::uint32_t kMaxBatchRows = 32;

// Owned by one execution; the model must outlive it. Memory: 3 * capacity * layers * dim bytes of
// cache. Not thread-safe.
class Decoder {
 public:
  // At most `capacity` <= config.context positions.
  Decoder(const ModelArtefact& model, Kernel kernel, std::uint32_t capacity);

  // Appends tokens (ids below vocab; ENSUREs that they fit). Each layer's residual rows go to
  // `transcript` where one is given.
  void append(std::span<const std::uint32_t> tokens, Transcript* transcript);

  std::uint32_t position() const { return position_; }
  // Logits in Q16 after the last token appended; valid until the next call. At least one token.
  std::span<const std::int32_t> logits();
  // The residual row (Q16) of the last token appended.
  std::span<const std::int32_t> residual() const;
  std::uint64_t clamps() const { return clamps_; }

 private:
  struct LayerCache {
    std::vector<std::int8_t> keys;         // head x capacity x head_dim
    std::vector<exact::SoftScale> scales;  // head x capacity
    std::vector<std::int16_t> values;      // head x capacity x head_dim, Q10
  };

  void append_batch(std::span<const std::uint32_t> tokens, Transcript* transcript);
  void attention_block(const LayerWeights& weights, LayerCache& cache, std::uint32_t rows);
  void mlp_block(const LayerWeights& weights, std::uint32_t rows);
  void store_keys_values(LayerCache& cache, std::uint32_t row);
  void attend(const LayerCache& cache, std::uint32_t row);
  // q_[row], q_scales_[row] = quantised RMSNorm of residual row, resp. of in_ row (`width` wide).
  void quantise_norm(const std::vector<std::int16_t>& gain, std::uint32_t row);
  void quantise_input(std::uint32_t width, std::uint32_t row);
  // out_ = Q16 product of the matrix with the quantised rows.
  void project(const QuantMatrix& matrix, std::uint32_t rows);
  void add_to_residual(std::uint32_t rows);

  std::int32_t* residual_row(std::uint32_t row) { return residual_.data() + row * dim_; }
  std::int32_t* in_row(std::uint32_t row) { return in_.data() + row * in_stride_; }
  std::int32_t* out_row(std::uint32_t row) { return out_.data() + row * out_stride_; }

  const ModelArtefact& model_;
  const Kernel kernel_;
  const RowKernels row_ops_;
  const std::uint32_t capacity_;
  const std::size_t dim_;
  const std::uint32_t head_dim_;
  const exact::SoftScale logit_scale_;  // log2(e) / sqrt(head_dim)
  std::size_t in_stride_ = 0;
  std::size_t out_stride_ = 0;

  std::vector<LayerCache> cache_;
  std::vector<std::int32_t> residual_;  // rows x dim, Q16
  std::vector<std::int32_t> in_;        // rows x in_stride_: input of a projection, Q16
  std::vector<std::int32_t> out_;       // rows x out_stride_: accumulators, then outputs in Q16
  std::vector<std::int8_t> q_;          // rows x in_stride_
  std::vector<exact::SoftScale> q_scales_;
  std::vector<std::int64_t> wide_;     // one row of scratch for the norm
  std::vector<std::int8_t> query_;     // one head
  std::vector<std::int32_t> weights_;  // one attention row
  std::uint32_t position_ = 0;
  std::uint32_t rows_ = 0;  // of the last batch
  std::uint64_t clamps_ = 0;
};

}  // namespace orrery::gpu

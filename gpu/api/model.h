// A decoder-only transformer in integers: the artefact that is registered, shipped and executed.
// Per layer x += attention(norm(x)), x += MLP(norm(x)); a final norm and a head give the logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "gpu/api/aligned.h"
#include "gpu/api/exact/fixed.h"
#include "gpu/api/rope.h"

namespace orrery::gpu {

// The byte tokenizer: ids 0..255 are bytes. Ids from kByteVocab on are reserved; they may be
// sampled from a model with a larger vocabulary and add no byte to its output.
inline constexpr std::uint32_t kTokenBos = 256;
inline constexpr std::uint32_t kTokenEos = 257;
inline constexpr std::uint32_t kByteVocab = 258;

enum class Family : std::uint8_t {
  kLlama,  // RMSNorm, rotary positions, SiLU-gated MLP, no biases
  kGpt2,   // LayerNorm, learned positions, GELU MLP (tanh form), biases throughout
};

struct ModelConfig {
  std::uint32_t dim = 0;     // residual width; heads divides it into even head widths
  std::uint32_t hidden = 0;  // MLP width
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::uint32_t context = 0;  // positions, prompt and generated tokens together
  std::uint32_t vocab = kByteVocab;
  Family family = Family::kLlama;

  std::uint32_t head_dim() const { return dim / heads; }
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

// kInvalidArgument with the broken bound: every shape for which exact-i8 cannot overflow passes.
Status validate(const ModelConfig& config);

// Bytes of the encoded artefact; the config must be valid.
std::uint64_t encoded_size(const ModelConfig& config);
// Number of weights, embeddings and gains.
std::uint64_t parameter_count(const ModelConfig& config);

// Exponents of weight scales; keeps every sum of exponents far inside int32.
inline constexpr std::int32_t kMaxScaleExponent = 256;

// An int8 matrix of `rows` output rows over `cols` inputs: value(n, k) = at(n, k) * scale(n).
// Held in the order in which kernels read it: panels of 16 rows, within a panel groups of 4 inputs,
// within a group row after row. Padding is zero.
class QuantMatrix {
 public:
  static constexpr std::uint32_t kPanel = 16;
  static constexpr std::uint32_t kGroup = 4;

  QuantMatrix() = default;
  QuantMatrix(std::uint32_t rows, std::uint32_t cols);

  std::uint32_t rows() const { return rows_; }
  std::uint32_t cols() const { return cols_; }
  std::uint32_t panels() const { return (rows_ + kPanel - 1) / kPanel; }
  std::uint32_t groups() const { return (cols_ + kGroup - 1) / kGroup; }
  std::int8_t at(std::uint32_t row, std::uint32_t col) const { return data_[index(row, col)]; }
  const std::vector<exact::SoftScale>& scales() const { return scales_; }
  // groups() * 64 bytes: [group][row in panel][input in group].
  const std::int8_t* panel(std::uint32_t p) const {
    return data_.data() + static_cast<std::size_t>(p) * groups() * kPanel * kGroup;
  }
  // Sum over the inputs of each row, padded to whole panels: the correction of kernels that feed
  // activations as unsigned bytes (a + 128).
  const std::int32_t* row_sums() const { return row_sums_.data(); }

  // values: cols() entries in [-127, 127].
  void set_row(std::uint32_t row, std::span<const std::int8_t> values, exact::SoftScale scale);
  friend bool operator==(const QuantMatrix&, const QuantMatrix&) = default;

 private:
  std::size_t index(std::uint32_t row, std::uint32_t col) const {
    return (static_cast<std::size_t>(row / kPanel) * groups() + col / kGroup) * kPanel * kGroup +
           row % kPanel * kGroup + col % kGroup;
  }

  std::uint32_t rows_ = 0;
  std::uint32_t cols_ = 0;
  AlignedVector<std::int8_t> data_;
  std::vector<exact::SoftScale> scales_;
  AlignedVector<std::int32_t> row_sums_;
};

// Biases in Q16; empty for families without.
struct LayerBiases {
  std::vector<std::int32_t> attention_norm;  // dim
  std::vector<std::int32_t> qkv;             // 3 dim
  std::vector<std::int32_t> out;             // dim
  std::vector<std::int32_t> mlp_norm;        // dim
  std::vector<std::int32_t> gate_up;         // hidden
  std::vector<std::int32_t> down;            // dim
  friend bool operator==(const LayerBiases&, const LayerBiases&) = default;
};

struct LayerWeights {
  std::vector<std::int16_t> attention_norm;  // Q14 gains, dim
  QuantMatrix qkv;                           // 3 dim x dim: queries, keys, values
  QuantMatrix out;                           // dim x dim
  std::vector<std::int16_t> mlp_norm;        // Q14 gains, dim
  QuantMatrix gate_up;                       // kLlama 2 hidden x dim: gate, up; kGpt2 hidden x dim
  QuantMatrix down;                          // dim x hidden
  LayerBiases bias;
  friend bool operator==(const LayerWeights&, const LayerWeights&) = default;
};

// Plain data; whoever executes it only reads, so one artefact may serve any number of workers.
struct ModelArtefact {
  ModelConfig config;
  std::vector<std::int32_t> embedding;  // vocab x dim, Q16
  std::vector<LayerWeights> layers;
  std::vector<std::int16_t> final_norm;       // Q14 gains, dim
  QuantMatrix head;                           // vocab x dim
  std::vector<std::int32_t> positions;        // kGpt2: context x dim, Q16
  std::vector<std::int32_t> final_norm_bias;  // kGpt2: dim, Q16
  RopeTables rope;                            // kLlama: a function of the config, hence not encoded

  // SHA-256 of encode() under a domain tag: the model's identity. Costs one pass over the weights.
  Hash256 digest() const;
  Bytes encode() const;
  // kMalformed unless `bytes` is exactly what encode() of some valid artefact gives. Reads no more
  // and allocates no more than the size that the stated shape implies, checked before.
  static Result<ModelArtefact> decode(ByteView bytes);
};

// An artefact of the right shapes with zero weights and computed rope tables, to be filled in.
ModelArtefact empty_artefact(const ModelConfig& config);

}  // namespace orrery::gpu

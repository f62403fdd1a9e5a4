// Transformers of both families in plain floats: the numeric class "fast", for throughput and for
// comparisons. Products are Eigen's, functions the mathematical library's, so results differ in
// their last bits between machines, batches and versions; nothing here may enter consensus.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/api/aligned.h"
#include "gpu/api/f32_model.h"
#include "gpu/api/fast_products.h"
#include "gpu/cpu/gpt2_model.h"

namespace orrery::gpu {

// Matrices are output rows by inputs, row after row. Biases are empty where a family has none.
struct FastLinear {
  AlignedVector<float> weight;
  AlignedVector<float> bias;
};
struct FastNorm {
  AlignedVector<float> gain;
  AlignedVector<float> bias;
};
struct FastLayer {
  FastNorm attention_norm;
  FastLinear qkv;  // 3 dim x dim
  FastLinear out;  // dim x dim
  FastNorm mlp_norm;
  FastLinear gate_up;  // kLlama 2 hidden x dim: gate, up; kGpt2 hidden x dim
  FastLinear down;     // dim x hidden
};
struct FastModel {
  ModelConfig config;
  AlignedVector<float> embedding;  // vocab x dim
  AlignedVector<float> positions;  // kGpt2: context x dim
  std::vector<FastLayer> layers;
  FastNorm final_norm;
  AlignedVector<float> head;  // vocab x dim
};
FastModel fast_model(const F32Model& model);
FastModel fast_model(const Gpt2Model& model);
// What an artefact means: each int8 times its scale, gains from Q14, embeddings and biases from
// Q16.
FastModel fast_model(const ModelArtefact& artefact);

// kBf16 keeps weights and the result of every operation in bfloat16 (8 bits of significand, ties to
// even) and accumulates in floats, as tensor cores do.
enum class FastPrecision : std::uint8_t { kF32, kBf16 };

// One sequence with its keys and values. The model must outlive it.
class FastDecoder {
 public:
  // `products` (may be null: Eigen's) multiplies by weights and must outlive it; attention's
  // products stay on the processor.
  FastDecoder(const FastModel& model, FastPrecision precision, FastProducts* products = nullptr);
  FastDecoder(const FastDecoder&) = delete;  // it may point into itself
  FastDecoder& operator=(const FastDecoder&) = delete;

  // Tokens below the vocabulary, position() + size at most the context (ENSURE).
  void append(std::span<const std::uint32_t> tokens);
  std::uint32_t position() const { return position_; }
  // Rows of the last append: final normalised hidden states, rows x dim.
  std::span<const float> hidden() const { return hidden_; }
  // Their logits, rows x vocab.
  std::vector<float> logits();
  // The first failure of `products`, after which numbers mean nothing.
  const Status& status() const { return status_; }

 private:
  struct Cache {
    AlignedVector<float> keys, values;  // context x dim
  };
  void norm(const FastNorm& by, std::span<const float> x, std::span<float> y) const;
  void apply(const FastLinear& linear, std::size_t outputs, std::span<const float> x,
             AlignedVector<float>& y);
  // y = x * weights^T for all rows.
  void multiply(std::span<const float> weights, std::span<const float> x, std::span<float> y);
  void rotate(std::span<float> qkv) const;
  void attend(const Cache& cache, std::span<const float> qkv, std::span<float> out) const;
  void activate(std::span<const float> wide, std::span<float> act) const;
  void add(std::span<const float> y, std::span<float> x) const;
  void rounded(std::span<float> values) const;

  const FastModel* model_;
  FastModel narrowed_;  // kBf16: the model with rounded weights, which model_ then points to
  FastPrecision precision_;
  FastProducts* products_;
  Status status_;
  std::uint32_t position_ = 0;
  std::size_t rows_ = 0;
  std::vector<Cache> caches_;  // a layer
  std::vector<float> hidden_;
};

}  // namespace orrery::gpu

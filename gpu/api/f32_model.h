// A model in floats: what is trained, imported and exported, and from which an artefact is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gpu/api/aligned.h"
#include "gpu/api/model.h"

namespace orrery::gpu {

// One tensor of the flat parameter vector; names are those of Llama checkpoints in the
// transformers library. Matrices are output rows by input columns.
struct TensorSlot {
  std::string name;
  std::uint32_t rows;  // 0 for a vector of `cols`
  std::uint32_t cols;
  std::size_t offset;

  std::size_t size() const { return std::size_t{rows == 0 ? 1 : rows} * cols; }
};

// Where each layer's tensors begin in the parameter vector. Queries, keys and values follow each
// other, and so do gate and up: each group is one matrix product.
struct LayerOffsets {
  std::size_t attention_norm;  // dim
  std::size_t qkv;             // 3 dim x dim
  std::size_t out;             // dim x dim
  std::size_t mlp_norm;        // dim
  std::size_t gate_up;         // 2 hidden x dim
  std::size_t down;            // dim x hidden
};

struct F32Layout {
  explicit F32Layout(const ModelConfig& config);

  std::vector<TensorSlot> slots;  // in the order of their offsets, without gaps
  std::size_t embedding;          // vocab x dim
  std::vector<LayerOffsets> layers;
  std::size_t final_norm;  // dim
  std::size_t head;        // vocab x dim
  std::size_t size;        // floats in all
};

// Plain data. Epsilon of the norms is 1e-5, the base of the rotary angles 10,000.
struct F32Model {
  ModelConfig config;
  AlignedVector<float> values;  // F32Layout(config).size
};

// Matrices normal-like with standard deviation 0.02 (those that write to the residual stream
// 0.02 / sqrt(2 layers)), gains 1: sums of twelve uniform draws from one Philox stream a tensor, so
// that the seed fixes every bit. The config must be valid.
F32Model make_f32_model(const ModelConfig& config, std::uint64_t seed);

}  // namespace orrery::gpu

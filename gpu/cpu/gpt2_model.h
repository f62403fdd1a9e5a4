// A GPT-2 model in floats, as imported, and its int8 artefact.
#pragma once

#include <vector>

#include "engine/base/result.h"
#include "gpu/api/model.h"

namespace orrery::gpu {

// Matrices are output rows by input columns, row after row.
struct Gpt2Layer {
  std::vector<float> attention_gain;  // dim
  std::vector<float> attention_bias;  // dim
  std::vector<float> qkv;             // 3 dim x dim
  std::vector<float> qkv_bias;        // 3 dim
  std::vector<float> out;             // dim x dim
  std::vector<float> out_bias;        // dim
  std::vector<float> mlp_gain;        // dim
  std::vector<float> mlp_bias;        // dim
  std::vector<float> up;              // hidden x dim
  std::vector<float> up_bias;         // hidden
  std::vector<float> down;            // dim x hidden
  std::vector<float> down_bias;       // dim
};

struct Gpt2Model {
  ModelConfig config;            // family kGpt2; epsilon of the norms is 1e-5
  std::vector<float> embedding;  // vocab x dim
  std::vector<float> positions;  // context x dim
  std::vector<Gpt2Layer> layers;
  std::vector<float> final_gain;  // dim
  std::vector<float> final_bias;  // dim
  std::vector<float> head;        // vocab x dim
};

// As quantise_model(F32Model) of quantise.h; biases become Q16. kInvalidArgument: the shape, a
// value that is not finite, or an embedding, position or bias beyond +-32768.
Result<ModelArtefact> quantise_model(const Gpt2Model& model);

}  // namespace orrery::gpu

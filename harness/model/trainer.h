// Training of small byte-level models in exact-f32: model, data, seed and options fix every bit of
// the result, on any processor and any number of threads, also across an interruption.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "gpu/api/f32_model.h"
#include "gpu/api/gradient_source.h"
#include "gpu/cpu/f32_optimizer.h"
#include "gpu/cpu/parallel.h"
#include "harness/model/corpus.h"

namespace orrery::model {

struct TrainOptions {
  gpu::ModelConfig config;
  std::uint64_t seed = 1;  // of the initial weights and of the order of the data
  std::uint32_t steps = 1000;
  std::uint32_t batch = 16;    // texts a step
  std::uint32_t length = 128;  // tokens a text, at most the context
  float rate = 3e-3f;          // highest; a linear rise, then a linear fall to a tenth
  std::uint32_t warmup = 50;   // steps of the rise
  gpu::OptimizerOptions optimizer;
};
// kInvalidArgument with the broken bound.
Status validate(const TrainOptions& options);

// BOS, the document's bytes, EOS; document after document.
std::vector<std::uint32_t> token_stream(const Corpus& corpus);
// One document.
std::vector<std::uint32_t> token_stream(std::string_view text);

// Texts are windows of the stream at places drawn for (seed, step, text).
class Trainer {
 public:
  // The stream needs more than `length` tokens of the vocabulary. kInvalidArgument. `parallel`
  // (may be null) must outlive the trainer.
  static Result<Trainer> start(const TrainOptions& options, std::vector<std::uint32_t> stream,
                               gpu::Parallel* parallel);
  // Goes on from checkpoint(). kMalformed: not a checkpoint; kInvalidArgument: one of other options
  // or other data.
  static Result<Trainer> resume(const TrainOptions& options, std::vector<std::uint32_t> stream,
                                gpu::Parallel* parallel, Bytes checkpoint);

  // Computes gradients elsewhere from now on: a source for models of the options' shape. The bits
  // stay the same.
  void take_gradients_from(std::unique_ptr<gpu::GradientSource> source) {
    gradients_ = std::move(source);
  }

  bool done() const { return state_.steps >= options_.steps; }
  std::uint64_t steps() const { return state_.steps; }
  // Mean loss of the step's texts before it, in nats a token. Not after done(). Fails where the
  // source of gradients does, and has then changed nothing.
  Result<float> step();

  // Learning rate of the next step.
  float rate() const;
  const gpu::F32Model& model() const { return model_; }
  // A Safetensors file with parameters, moments and, as metadata, step and run.
  Bytes checkpoint() const;
  // SHA-256 of everything that later steps depend on.
  Hash256 digest() const;

 private:
  Trainer(const TrainOptions& options, std::vector<std::uint32_t> stream, gpu::Parallel* parallel);
  Hash256 run_digest() const;  // of options and data

  TrainOptions options_;
  std::vector<std::uint32_t> stream_;
  gpu::F32Model model_;
  gpu::OptimizerState state_;
  std::unique_ptr<gpu::GradientSource> gradients_;
  std::vector<std::uint8_t> decays_;
  std::vector<float> gradient_;
};

// For each parameter whether weight decay applies: to matrices, not to gains.
std::vector<std::uint8_t> decaying(const gpu::ModelConfig& config);

// SHA-256 of shape and parameters.
Hash256 parameters_digest(const gpu::F32Model& model);

}  // namespace orrery::model

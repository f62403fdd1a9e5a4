// Loss and gradient of a float model on an accelerator: gpu/cpu/f32_network.h's, to the bit, with
// the kernels of training_bodies.h and product_body.h. The optimiser stays on the processor.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/api/gradient_source.h"
#include "gpu/cuda/arena.h"

namespace orrery::gpu {

// Parameters and batch are copied there at each call, and the gradient there and back. Memory is
// kept for the largest batch so far; the accelerator must outlive the network. Failures are the
// accelerator's, or kUnsupported: a batch of more than 2^31 numbers a buffer.
class DeviceNetwork final : public GradientSource {
 public:
  DeviceNetwork(const ModelConfig& config, Accelerator& accelerator);  // ENSUREs a valid config

  // Mean negative log likelihood of the targets that count, in nats. ENSUREs the batch's shape.
  Result<float> loss(const F32Model& model, const TokenBatch& batch);
  Result<float> add_gradient(const F32Model& model, const TokenBatch& batch, float weight,
                             std::span<float> gradient) override;

 private:
  // What a layer keeps for its backward pass; rows x width each.
  struct Layer {
    float* input;     // residual stream before attention
    float* norm1;     // normalised input
    float* inverse1;  // a row
    float* qkv;       // 3 dim wide, rotated
    float* weights;   // text x head x length x length
    float* attended;  // heads' outputs
    float* middle;    // residual stream between attention and MLP
    float* norm2;     // normalised middle
    float* inverse2;  // a row
    float* gate_up;   // 2 hidden wide
    float* act;       // hidden wide
  };
  // Addresses on the accelerator.
  struct Buffers {
    float* cosine;  // position x half; the tables come first and stay where they are
    float* sine;
    float* parameters;  // as F32Layout has them
    float* gradient;
    std::uint32_t* tokens;   // a row
    std::uint32_t* targets;  // a row
    std::vector<Layer> layers;
    float* stream;  // residual stream after the last layer, rows x dim
    float* final;   // normalised, rows x dim
    float* final_inverse;
    float* logits;   // rows x vocab, then their gradient
    float* losses;   // a row
    float* dstream;  // gradient of the residual stream
    float* narrow;   // rows x dim
    float* wide;     // rows x the widest
    float* scores;   // as a layer's weights: their gradient
    float* turned;   // right operand of a product, by rows
  };

  Status prepare(const F32Model& model, const TokenBatch& batch);
  std::size_t carve(std::byte* base);  // returns the bytes
  void forward();
  void forward_layer(std::size_t l);
  void backward_layer(std::size_t l);
  void attention(const Layer& layer);
  void attention_backward(const Layer& layer);
  void cross_entropy(float weight);
  Result<float> mean_loss(std::uint32_t counted);

  // y = x * w^T, dx = dy * w, dw += dy^T * x for w of out x in, `at` in the parameter vector.
  struct Linear {
    std::size_t at;
    std::uint32_t out;
    std::uint32_t in;
  };
  void apply(const Linear& linear, const float* x, float* y);
  void backward(const Linear& linear, const float* dy, float* dx);
  void weight_gradient(const Linear& linear, const float* dy, const float* x);
  struct Norm {
    std::size_t gain;  // in the parameter vector
    const float* x;
    float* inverse;
  };
  void apply(const Norm& norm, float* y);
  void backward(const Norm& norm);  // narrow -> dstream
  void rotate(float* qkv, float direction);
  void multiply(bodies::F32Products product);
  // One product for each head of each text.
  void multiply_heads(bodies::F32Products product);

  const ModelConfig config_;
  const F32Layout layout_;
  Accelerator& accelerator_;
  std::vector<float> cosine_;  // position x half
  std::vector<float> sine_;
  std::uint32_t sequences_ = 0;
  std::uint32_t length_ = 0;
  std::uint32_t rows_ = 0;
  Arena arena_;
  std::size_t arena_bytes_ = 0;
  Buffers on_{};
};

}  // namespace orrery::gpu

// Loss and gradient of a float model in exact-f32: the same bits with any kernel and any number of
// threads. Rows are spread over threads; what sums over rows sums in their order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gpu/api/gradient_source.h"
#include "gpu/cpu/f32_gemm.h"
#include "gpu/cpu/parallel.h"

namespace orrery::gpu {

class F32Network final : public GradientSource {
 public:
  // `parallel` (if given) must outlive it; work of less than `share_from` multiply-adds stays on
  // the caller's thread. Not thread-safe.
  F32Network(const ModelConfig& config, Kernel kernel, Parallel* parallel = nullptr,
             std::size_t share_from = kWorkWorthSharing);

  // Mean negative log likelihood of the targets that count, in nats. ENSUREs the batch's shape.
  float loss(const F32Model& model, const TokenBatch& batch);
  // Also adds the gradient of that mean, times `weight`, to `gradient` (as long as the model's
  // parameters).
  float gradient(const F32Model& model, const TokenBatch& batch, float weight,
                 std::span<float> gradient);
  Result<float> add_gradient(const F32Model& model, const TokenBatch& batch, float weight,
                             std::span<float> to) override {
    return gradient(model, batch, weight, to);
  }
  // The logits of the last call of loss(): rows x vocab.
  std::span<const float> logits() const { return logits_; }

 private:
  // What a layer keeps for its backward pass; rows x width each.
  struct Layer {
    std::vector<float> input;      // residual stream before attention
    std::vector<float> norm1;      // normalised input
    std::vector<float> inverse1;   // a row
    AlignedVector<float> qkv;      // rotated
    AlignedVector<float> weights;  // sequence x head x length x length
    std::vector<float> attended;   // heads' outputs
    std::vector<float> middle;     // residual stream between attention and MLP
    std::vector<float> norm2;      // normalised middle
    std::vector<float> inverse2;   // a row
    std::vector<float> gate_up;    // 2 hidden wide
    std::vector<float> act;        // hidden wide
  };
  struct Scratch {  // of one part
    std::unique_ptr<F32Gemm> gemm;
    AlignedVector<float> scores;  // length x length
  };

  void resize(const TokenBatch& batch);
  // Returns the number of targets that count.
  std::uint32_t forward(const F32Model& model, const TokenBatch& batch);
  void forward_layer(const F32Model& model, std::size_t l);
  void backward_layer(const F32Model& model, std::size_t l, std::span<float> gradient);
  void attention(Layer& layer);
  void attention_backward(Layer& layer);
  // A norm of all rows: what it read, returned and multiplied by.
  struct Norm {
    const float* x;
    const float* inverse;
    const float* gain;
  };
  void norm_backward(const Norm& norm, float* dgain);  // dnarrow_ -> dstream_
  void rotate(float* qkv, float direction);
  // y = x * w^T, dx = dy * w, dw += dy^T * x for w of out x in.
  struct Linear {
    const float* w;
    std::size_t out;
    std::size_t in;
  };
  void apply(const Linear& linear, const float* x, float* y);
  void backward(const Linear& linear, const float* dy, float* dx);
  void weight_gradient(const Linear& linear, const float* dy, const float* x, float* dw);

  template <class Function>
  void each_row(Function&& function);
  template <class Function>
  void each_head(Function&& function);  // function(sequence, head, scratch)

  const ModelConfig config_;
  const F32Layout layout_;
  Serial serial_;
  Parallel& parallel_;
  const std::size_t share_from_;
  F32Gemm gemm_;
  std::vector<Scratch> scratch_;
  std::vector<float> cosine_;  // position x half
  std::vector<float> sine_;

  std::uint32_t sequences_ = 0;
  std::uint32_t length_ = 0;
  std::size_t rows_ = 0;
  std::vector<Layer> layers_;
  std::vector<float> stream_;  // residual stream, rows x dim
  std::vector<float> final_;   // normalised, rows x dim
  std::vector<float> final_inverse_;
  std::vector<float> logits_;   // rows x vocab
  std::vector<float> dstream_;  // gradient of the residual stream
  std::vector<float> dnarrow_;  // rows x dim
  std::vector<float> dwide_;    // rows x the widest
};

}  // namespace orrery::gpu

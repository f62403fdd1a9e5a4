// Influence on projected gradients, for more texts or longer gradients than can be compared in
// full: the gradient G of each weight matrix (out x in) becomes L^T G R of rank x rank, L and R
// random signs (Choe et al., "What is your data worth to GPT? LLM-scale data valuation with
// influence functions", 2024: LoGra). Gains of norms, a few vectors, are left out.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/cpu/f32_gemm.h"
#include "harness/model/attribution.h"

namespace orrery::model {

struct LograOptions {
  std::uint32_t rank = 0;  // at most 128; 0: the highest of which all matrices fit kMaxLograWidth
  std::uint64_t seed = 1;  // of the signs
};
inline constexpr std::size_t kMaxLograWidth = 4096;  // the solve takes its cube / 3 operations

// The projection of a model's gradients. Sides that are no longer than the rank stay as they are.
class LograProjection {
 public:
  // kInvalidArgument: a rank beyond 128, or one with which the width passes kMaxLograWidth.
  static Result<LograProjection> make(const gpu::ModelConfig& config, const LograOptions& options);

  std::uint32_t rank() const { return rank_; }
  std::size_t width() const { return width_; }
  // `to` is as long as width(). Exact-f32; products of two projections are, on average over signs,
  // those of the gradients.
  void project(std::span<const float> gradient, std::span<float> to);

 private:
  struct Matrix {
    std::size_t offset;  // in the gradient
    std::size_t out;
    std::size_t in;
    std::size_t out_rank;      // out: not projected
    std::size_t in_rank;       // in: not projected
    std::vector<float> left;   // out x out_rank
    std::vector<float> right;  // in x in_rank
  };
  LograProjection() : gemm_(gpu::available_kernels().back()) {}
  // rank x rank, from `projected`, out x rank.
  void project_left(const Matrix& m, const float* projected, float* to);

  std::uint32_t rank_ = 0;
  std::size_t width_ = 0;
  std::vector<Matrix> matrices_;
  gpu::F32Gemm gemm_;
  std::vector<float> middle_;
};

// Adds the influence of a checkpoint (GradientScores::influence, of projected gradients), times the
// weight, to the table. The Fisher information's diagonal is that of at most 256 of the documents,
// evenly spread. As much memory as texts times projected numbers. kLimit: more than
// kMaxGradientFloats of these; else as add_checkpoint().
Status add_logra(const gpu::F32Model& model, const CheckpointTexts& texts,
                 const LograOptions& options, const Workers& workers, ScoreTable& to);

}  // namespace orrery::model

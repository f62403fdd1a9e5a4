// Influence on projected gradients, for more texts or longer gradients than can be compared in
// full: the gradient G of each weight matrix (out x in) becomes L^T G R of rank x rank, L and R
// random signs (Choe et al., "What is your data worth to GPT? LLM-scale data valuation with
// influence functions", 2024: LoGra). Gains of norms, a few vectors, are left out.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gpu/cpu/f32_gemm.h"
#include "harness/model/attribution.h"

namespace orrery::model {

struct LograOptions {
  std::uint32_t rank = 0;  // 1 to kMaxLograRank; 0: the highest with which all matrices fit `width`
  std::size_t width = std::size_t{1} << 14;  // numbers of a gradient, at most
  std::uint64_t seed = 1;                    // of the signs
};
inline constexpr std::uint32_t kMaxLograRank = 64;  // a solve takes rank^6 / 3 operations a matrix

// The projection of a model's gradients. Sides that are no longer than the rank stay as they are.
class LograProjection {
 public:
  // kInvalidArgument: a rank out of bounds, or one with which the width is passed.
  static Result<LograProjection> make(const gpu::ModelConfig& config, const LograOptions& options);

  std::uint32_t rank() const { return rank_; }
  std::size_t width() const { return width_; }
  // Numbers of each matrix, in the order in which they come.
  std::vector<std::size_t> blocks() const;
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
  LograProjection() : gemm_(std::make_unique<gpu::F32Gemm>(gpu::available_kernels().back())) {}
  // rank x rank, from `projected`, out x rank.
  void project_left(const Matrix& m, const float* projected, float* to);

  std::uint32_t rank_ = 0;
  std::size_t width_ = 0;
  std::vector<Matrix> matrices_;
  std::unique_ptr<gpu::F32Gemm> gemm_;
  std::vector<float> middle_;
};

// Adds the influence of a checkpoint (GradientScores::influence, of projected gradients, solved
// matrix by matrix where texts outnumber the numbers of a gradient), times the weight, to the
// table. The Fisher information's diagonal is that of at most 256 of the documents, evenly spread.
// The width is lowered to keep all projections within kMaxGradientFloats; kInvalidArgument if no
// rank is left; else as add_checkpoint().
Status add_logra(const gpu::F32Model& model, const CheckpointTexts& texts,
                 const LograOptions& options, const Workers& workers, ScoreTable& to);

}  // namespace orrery::model

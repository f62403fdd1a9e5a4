#include "harness/model/logra.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/ensure.h"
#include "gpu/api/exact/signs.h"
#include "harness/model/gradient_rows.h"
#include "harness/model/text_gradients.h"

namespace orrery::model {
namespace {

static_assert(kMaxLograRank <= gpu::exact::kSignsADraw);
constexpr std::size_t kScaleTexts = 256;  // that the Fisher information is taken from

std::size_t width_at(const gpu::F32Layout& layout, std::size_t rank) {
  std::size_t width = 0;
  for (const gpu::TensorSlot& slot : layout.slots) {
    if (slot.rows == 0) continue;
    width += std::min<std::size_t>(slot.rows, rank) * std::min<std::size_t>(slot.cols, rank);
  }
  return width;
}

// 0 if none fits.
std::uint32_t highest_rank(const gpu::F32Layout& layout, std::size_t width) {
  std::uint32_t rank = 0;
  while (rank < kMaxLograRank && width_at(layout, rank + 1) <= width) ++rank;
  return rank;
}

// n x rank signs, divided by sqrt(rank); none where there is nothing to project. `matrix` tells the
// matrices of a model from each other.
std::vector<float> signs(std::uint64_t seed, std::uint32_t matrix, std::size_t n,
                         std::size_t rank) {
  std::vector<float> out;
  if (n == rank) return out;
  const float one = 1.0f / std::sqrt(static_cast<float>(rank));
  for (std::size_t i = 0; i < n; ++i) {
    const auto drawn = gpu::exact::draw_signs(seed, static_cast<std::uint32_t>(i), matrix);
    for (std::uint32_t c = 0; c < rank; ++c) {
      out.push_back(gpu::exact::signed_by(drawn.w[c / 32], c % 32, 1) > 0 ? one : -one);
    }
  }
  return out;
}

Result<std::vector<float>> fisher_factors(TextGradients& gradients, const CheckpointTexts& texts,
                                          std::size_t parameters) {
  const std::size_t n = texts.documents.size();
  const std::size_t apart = (n + kScaleTexts - 1) / kScaleTexts;
  FisherScale fisher(parameters);
  std::vector<float> gradient(parameters);
  for (std::size_t i = 0; i < n; i += apart) {
    TRY(gradients.of(texts.documents[i], gradient));
    fisher.count(gradient);
  }
  return fisher.factors();
}

}  // namespace

Result<LograProjection> LograProjection::make(const gpu::ModelConfig& config,
                                              const LograOptions& options) {
  const gpu::F32Layout layout(config);
  LograProjection made;
  const std::uint32_t highest = highest_rank(layout, options.width);
  made.rank_ = options.rank == 0 ? highest : options.rank;
  made.width_ = width_at(layout, made.rank_);
  if (made.rank_ == 0 || made.rank_ > highest) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("logra: rank {} makes {} numbers of a gradient; ranks up to {} fit {}",
                            std::max(made.rank_, 1u), width_at(layout, std::max(made.rank_, 1u)),
                            highest, options.width));
  }
  std::uint32_t drawn = 0;
  for (const gpu::TensorSlot& slot : layout.slots) {
    if (slot.rows == 0) continue;
    Matrix m{slot.offset, slot.rows, slot.cols, 0, 0, {}, {}};
    m.out_rank = std::min<std::size_t>(m.out, made.rank_);
    m.in_rank = std::min<std::size_t>(m.in, made.rank_);
    m.left = signs(options.seed, drawn++, m.out, m.out_rank);
    m.right = signs(options.seed, drawn++, m.in, m.in_rank);
    made.matrices_.push_back(std::move(m));
  }
  return made;
}

std::vector<std::size_t> LograProjection::blocks() const {
  std::vector<std::size_t> out;
  for (const Matrix& m : matrices_) out.push_back(m.out_rank * m.in_rank);
  return out;
}

void LograProjection::project(std::span<const float> gradient, std::span<float> to) {
  ENSURE(to.size() == width_, "room for the projection");
  float* next = to.data();
  for (const Matrix& m : matrices_) {
    const float* g = gradient.data() + m.offset;
    if (!m.right.empty()) {
      middle_.resize(m.out * m.in_rank);
      gemm_->multiply({m.out, m.in_rank, m.in, gpu::by_rows(g, m.in),
                       gpu::by_rows(m.right.data(), m.in_rank), middle_.data(), m.in_rank, false});
      g = middle_.data();
    }
    project_left(m, g, next);
    next += m.out_rank * m.in_rank;
  }
}

void LograProjection::project_left(const Matrix& m, const float* projected, float* to) {
  if (m.left.empty()) {
    std::copy_n(projected, m.out * m.in_rank, to);
    return;
  }
  gemm_->multiply({m.out_rank, m.in_rank, m.out, gpu::transposed(m.left.data(), m.out_rank),
                   gpu::by_rows(projected, m.in_rank), to, m.in_rank, false});
}

Status add_logra(const gpu::F32Model& model, const CheckpointTexts& texts,
                 const LograOptions& options, const Workers& workers, ScoreTable& to) {
  TRY(check(texts));
  const std::size_t n = texts.documents.size();
  const std::size_t count = n + texts.queries.size();
  LograOptions within = options;
  within.width = std::min<std::size_t>(options.width, kMaxGradientFloats / count);
  ASSIGN_OR_RETURN(LograProjection projection, LograProjection::make(model.config, within));
  TRY(shape_table(to, texts));
  TextGradients gradients(model, workers);
  ASSIGN_OR_RETURN(const auto factors, fisher_factors(gradients, texts, model.values.size()));
  GradientRows rows(count, projection.width());
  std::vector<float> gradient(model.values.size());
  for (std::size_t i = 0; i < count; ++i) {
    TRY(gradients.of(text_of(texts, i), gradient));
    scale(gradient, factors);
    projection.project(gradient, rows.row(i));
    if (texts.progress) texts.progress(i + 1, count);
  }
  normalise(rows);
  ASSIGN_OR_RETURN(const auto influence, damped_influence(rows, n, projection.blocks(), workers));
  for (std::size_t at = 0; at < influence.size(); ++at) {
    to.scores[at] += to_q32(influence[at] * texts.weight);
  }
  return {};
}

}  // namespace orrery::model

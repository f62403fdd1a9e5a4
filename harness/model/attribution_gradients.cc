// add_checkpoint(), declared in attribution.h.
#include <fmt/format.h>

#include <cmath>

#include "engine/base/ensure.h"
#include "gpu/cpu/f32_gemm.h"
#include "harness/model/attribution.h"

namespace orrery::model {
namespace {

constexpr double kLambda = 1.0;

// Unit gradients, row after row, and the lengths that they had.
struct Gradients {
  gpu::AlignedVector<float> rows;
  std::vector<double> lengths;
};

Gradients gradients_of(const gpu::F32Model& model, std::span<const Example> examples,
                       gpu::F32Network& network) {
  const std::size_t width = model.values.size();
  Gradients out{gpu::AlignedVector<float>(examples.size() * width), {}};
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const Example& e = examples[i];
    const std::span<float> row = std::span(out.rows).subspan(i * width, width);
    network.gradient(model, {e.inputs, e.targets, 1, static_cast<std::uint32_t>(e.inputs.size())},
                     1.0f, row);
    double lanes[32] = {};
    for (std::size_t j = 0; j < width; ++j) lanes[j % 32] += static_cast<double>(row[j]) * row[j];
    double squares = 0;
    for (const double lane : lanes) squares += lane;
    const double length = std::sqrt(squares);
    out.lengths.push_back(length);
    const auto inverse = static_cast<float>(length > 0 ? 1 / length : 0);
    for (float& v : row) v *= inverse;
  }
  return out;
}

// Cholesky's factor of a symmetric positive definite matrix, in place in the lower half; each entry
// is one sum in a fixed order.
void factorise(std::vector<double>& a, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      ENSURE(i != j || sum > 0, "a Gram matrix plus lambda is positive definite");
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
}

void solve(const std::vector<double>& l, std::vector<double>& x) {
  const std::size_t n = x.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) x[i] -= l[i * n + k] * x[k];
    x[i] /= l[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) x[i] -= l[k * n + i] * x[k];
    x[i] /= l[i * n + i];
  }
}

// To Q32; values beyond +-2^30 are cut off (gradients of such length do not occur in training).
std::int64_t to_q32(double v) {
  const double bounded = v > 0x1p30 ? 0x1p30 : v < -0x1p30 ? -0x1p30 : v;
  return static_cast<std::int64_t>(bounded * 0x1p32);
}

Status fit(ScoreTable& table, std::size_t queries, std::size_t documents) {
  if (table.scores.empty())
    table = {queries, documents, std::vector<std::int64_t>(queries * documents)};
  if (table.queries == queries && table.documents == documents) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a table of {} queries and {} documents, not {} and {}", table.queries,
                          table.documents, queries, documents));
}

}  // namespace

Status add_checkpoint(const gpu::F32Model& model, std::span<const Example> documents,
                      std::span<const Example> queries, gpu::Parallel* parallel,
                      GradientScores& to) {
  const std::size_t n = documents.size();
  const std::size_t q = queries.size();
  const std::size_t width = model.values.size();
  if (n == 0 || q == 0) return fail(ErrorCode::kInvalidArgument, "no documents or no queries");
  if ((n + q) * width > kMaxGradientFloats) {
    return fail(ErrorCode::kLimit,
                fmt::format("gradients of {} texts of {} parameters pass {} numbers", n + q, width,
                            kMaxGradientFloats));
  }
  for (ScoreTable* table : {&to.dot, &to.cosine, &to.influence}) TRY(fit(*table, q, n));
  const gpu::Kernel kernel = gpu::available_kernels().back();
  gpu::F32Network network(model.config, kernel, parallel);
  const Gradients train = gradients_of(model, documents, network);
  const Gradients asked = gradients_of(model, queries, network);
  gpu::F32Gemm gemm(kernel, parallel);
  std::vector<float> cross(q * n);
  std::vector<float> gram(n * n);
  gemm.multiply({q, n, width, gpu::by_rows(asked.rows.data(), width),
                 gpu::transposed(train.rows.data(), width), cross.data(), n, false});
  gemm.multiply({n, n, width, gpu::by_rows(train.rows.data(), width),
                 gpu::transposed(train.rows.data(), width), gram.data(), n, false});
  std::vector<double> factor(gram.begin(), gram.end());
  for (std::size_t i = 0; i < n; ++i) factor[i * n + i] += kLambda;
  factorise(factor, n);
  for (std::size_t row = 0; row < q; ++row) {
    std::vector<double> x(cross.begin() + static_cast<std::ptrdiff_t>(row * n),
                          cross.begin() + static_cast<std::ptrdiff_t>((row + 1) * n));
    for (std::size_t i = 0; i < n; ++i) {
      to.cosine.scores[row * n + i] += to_q32(x[i]);
      to.dot.scores[row * n + i] += to_q32(x[i] * asked.lengths[row] * train.lengths[i]);
    }
    solve(factor, x);
    for (std::size_t i = 0; i < n; ++i) to.influence.scores[row * n + i] += to_q32(x[i]);
  }
  return {};
}

}  // namespace orrery::model

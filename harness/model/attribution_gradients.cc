// add_checkpoint(), declared in attribution.h.
#include <fmt/format.h>

#include <cmath>

#include "gpu/cpu/f32_gemm.h"
#include "harness/model/attribution.h"
#include "harness/model/dense_solve.h"

namespace orrery::model {
namespace {

// Of unit gradients' Gram matrix: its mean eigenvalue. From a third to three times that, measured
// quality changes by less than its error.
constexpr double kLambda = 1.0;
// Of the mean of mean squares: bounds the scale of parameters that hardly any document moves. From
// 1/1000 to 1/10, measured quality changes by less than its error.
constexpr double kScaleFloor = 0.01;

// Gradients, row after row: queries after documents.
struct Gradients {
  std::size_t count = 0;
  std::size_t width = 0;
  gpu::AlignedVector<float> rows;

  std::span<float> row(std::size_t i) { return std::span(rows).subspan(i * width, width); }
  const float* at(std::size_t i) const { return rows.data() + i * width; }
};

Gradients gradients_of(const gpu::F32Model& model, const CheckpointTexts& texts,
                       gpu::F32Network& network) {
  Gradients out{texts.documents.size() + texts.queries.size(), model.values.size(), {}};
  out.rows.resize(out.count * out.width);
  for (std::size_t i = 0; i < out.count; ++i) {
    const std::size_t n = texts.documents.size();
    const Example& e = i < n ? texts.documents[i] : texts.queries[i - n];
    network.gradient(model, {e.inputs, e.targets, 1, static_cast<std::uint32_t>(e.inputs.size())},
                     1.0f, out.row(i));
  }
  return out;
}

// Makes every row of unit length (zeros stay) and returns the lengths that they had.
std::vector<double> normalise(Gradients& g) {
  std::vector<double> lengths;
  for (std::size_t i = 0; i < g.count; ++i) {
    const std::span<float> row = g.row(i);
    double lanes[32] = {};
    for (std::size_t j = 0; j < row.size(); ++j) {
      lanes[j % 32] += static_cast<double>(row[j]) * row[j];
    }
    double squares = 0;
    for (const double lane : lanes) squares += lane;
    lengths.push_back(std::sqrt(squares));
    const auto inverse = static_cast<float>(squares > 0 ? 1 / lengths.back() : 0);
    for (float& v : row) v *= inverse;
  }
  return lengths;
}

// Divides each parameter's column by sqrt(v + kScaleFloor mean(v)), v the mean square over the
// first `documents` rows, whose lengths were `lengths`.
void precondition(Gradients& g, std::span<const double> lengths, std::size_t documents) {
  std::vector<double> squares(g.width);
  for (std::size_t i = 0; i < documents; ++i) {
    const std::span<const float> row = g.row(i);
    for (std::size_t j = 0; j < g.width; ++j) {
      const double value = row[j] * lengths[i];
      squares[j] += value * value;
    }
  }
  double sum = 0;
  for (const double s : squares) sum += s;
  const double floor = kScaleFloor * sum / static_cast<double>(g.width);
  if (!(floor > 0)) return;  // no document moves anything
  std::vector<float> scales;
  for (const double s : squares) {
    scales.push_back(static_cast<float>(1 / std::sqrt((s + floor) / (sum + floor))));
  }
  for (std::size_t i = 0; i < g.count; ++i) {
    const std::span<float> row = g.row(i);
    for (std::size_t j = 0; j < g.width; ++j) row[j] *= scales[j];
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

// Inner products of rows [first, first + rows) with the first `documents` rows.
struct Products {
  std::size_t first;
  std::size_t rows;
  std::size_t documents;
};
std::vector<float> products(const Gradients& g, const Products& of, gpu::F32Gemm& gemm) {
  std::vector<float> out(of.rows * of.documents);
  gemm.multiply({of.rows, of.documents, g.width, gpu::by_rows(g.at(of.first), g.width),
                 gpu::transposed(g.at(0), g.width), out.data(), of.documents, false});
  return out;
}

// The rows of `cross` (queries x n cosines) solved against the Gram matrix plus lambda.
std::vector<double> influence(const Gradients& g, std::span<const float> cross, std::size_t n,
                              gpu::F32Gemm& gemm) {
  const std::vector<float> gram = products(g, {0, n, n}, gemm);
  std::vector<double> factor(gram.begin(), gram.end());
  for (std::size_t i = 0; i < n; ++i) factor[i * n + i] += kLambda;
  factorise(factor, n);
  std::vector<double> out(cross.begin(), cross.end());
  for (std::size_t at = 0; at < out.size(); at += n) solve(factor, std::span(out).subspan(at, n));
  return out;
}

}  // namespace

Status add_checkpoint(const gpu::F32Model& model, const CheckpointTexts& texts,
                      gpu::Parallel* parallel, GradientScores& to) {
  const std::size_t n = texts.documents.size();
  const std::size_t q = texts.queries.size();
  const std::size_t width = model.values.size();
  if (n == 0 || q == 0) return fail(ErrorCode::kInvalidArgument, "no documents or no queries");
  if (!(texts.weight > 0 && texts.weight <= 1024)) {
    return fail(ErrorCode::kInvalidArgument, "a checkpoint's weight is outside (0, 1024]");
  }
  if ((n + q) * width > kMaxGradientFloats) {
    return fail(ErrorCode::kLimit,
                fmt::format("gradients of {} texts of {} parameters pass {} numbers; take fewer "
                            "texts, or method trak, which projects them",
                            n + q, width, kMaxGradientFloats));
  }
  for (ScoreTable* table : {&to.dot, &to.cosine, &to.plain_influence, &to.influence}) {
    TRY(fit(*table, q, n));
  }
  const gpu::Kernel kernel = gpu::available_kernels().back();
  gpu::F32Network network(model.config, kernel, parallel);
  gpu::F32Gemm gemm(kernel, parallel);
  Gradients gradients = gradients_of(model, texts, network);
  const std::vector<double> lengths = normalise(gradients);
  const std::vector<float> cosines = products(gradients, {n, q, n}, gemm);
  const std::vector<double> plain = influence(gradients, cosines, n, gemm);
  precondition(gradients, lengths, n);
  normalise(gradients);
  const std::vector<double> scaled =
      influence(gradients, products(gradients, {n, q, n}, gemm), n, gemm);
  for (std::size_t row = 0; row < q; ++row) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = row * n + i;
      const double cosine = static_cast<double>(cosines[at]) * texts.weight;
      to.cosine.scores[at] += to_q32(cosine);
      to.dot.scores[at] += to_q32(cosine * lengths[n + row] * lengths[i]);
      to.plain_influence.scores[at] += to_q32(plain[at] * texts.weight);
      to.influence.scores[at] += to_q32(scaled[at] * texts.weight);
    }
  }
  return {};
}

}  // namespace orrery::model

#include "harness/model/gradient_rows.h"

#include <algorithm>
#include <cmath>

#include "engine/base/ensure.h"
#include "gpu/cpu/f32_gemm.h"
#include "gpu/cuda/device_attribution.h"
#include "harness/model/dense_solve.h"

namespace orrery::model {
namespace {

// From a third to three times that, measured quality changes by less than its error.
constexpr double kLambda = 1.0;

struct Columns {
  std::size_t first;
  std::size_t count;
};

// Of the first `rows` rows, column after column.
std::vector<float> transposed_rows(const GradientRows& g, std::size_t rows, const Columns& of) {
  std::vector<float> out(rows * of.count);
  for (std::size_t i = 0; i < rows; ++i) {
    const auto row = g.row(i).subspan(of.first, of.count);
    for (std::size_t j = 0; j < of.count; ++j) out[j * rows + i] = row[j];
  }
  return out;
}

// The n x n matrix plus lambda, factorised.
std::vector<double> damped_factor(std::span<const float> gram, std::size_t n) {
  std::vector<double> factor(gram.begin(), gram.end());
  for (std::size_t i = 0; i < n; ++i) factor[i * n + i] += kLambda;
  factorise(factor, n);
  return factor;
}

Result<std::vector<double>> solve_over_documents(const GradientRows& g, std::size_t n,
                                                 const Workers& workers) {
  const auto documents = g.rows(0, n);
  ASSIGN_OR_RETURN(const auto gram, inner_products({documents, documents, g.width}, workers));
  ASSIGN_OR_RETURN(const auto cross,
                   inner_products({g.rows(n, g.count - n), documents, g.width}, workers));
  const std::vector<double> factor = damped_factor(gram, n);
  std::vector<double> out(cross.begin(), cross.end());
  for (std::size_t at = 0; at < out.size(); at += n) solve(factor, std::span(out).subspan(at, n));
  return out;
}

// Solves the columns `of` of the queries' rows, which are in `solved`.
Status solve_block(const GradientRows& g, std::size_t n, const Columns& of, const Workers& workers,
                   std::span<float> solved) {
  const std::vector<float> columns = transposed_rows(g, n, of);
  ASSIGN_OR_RETURN(const auto gram, inner_products({columns, columns, n}, workers));
  const std::vector<double> factor = damped_factor(gram, of.count);
  for (std::size_t at = of.first; at < solved.size(); at += g.width) {
    const auto part = solved.subspan(at, of.count);
    std::vector<double> x(part.begin(), part.end());
    solve(factor, x);
    std::transform(x.begin(), x.end(), part.begin(),
                   [](double v) { return static_cast<float>(v); });
  }
  return {};
}

Result<std::vector<double>> solve_over_columns(const GradientRows& g, std::size_t n,
                                               std::span<const std::size_t> blocks,
                                               const Workers& workers) {
  const auto queries = g.rows(n, g.count - n);
  std::vector<float> solved(queries.begin(), queries.end());
  std::size_t first = 0;
  for (const std::size_t width : blocks) {
    TRY(solve_block(g, n, {first, width}, workers, solved));
    first += width;
  }
  ENSURE(first == g.width, "blocks of all columns");
  ASSIGN_OR_RETURN(const auto cross, inner_products({solved, g.rows(0, n), g.width}, workers));
  return std::vector<double>(cross.begin(), cross.end());
}

}  // namespace

double normalise(std::span<float> row) {
  double lanes[32] = {};
  for (std::size_t j = 0; j < row.size(); ++j) {
    lanes[j % 32] += static_cast<double>(row[j]) * row[j];
  }
  double squares = 0;
  for (const double lane : lanes) squares += lane;
  const double length = std::sqrt(squares);
  const auto inverse = static_cast<float>(squares > 0 ? 1 / length : 0);
  for (float& v : row) v *= inverse;
  return length;
}

std::vector<double> normalise(GradientRows& g) {
  std::vector<double> lengths;
  for (std::size_t i = 0; i < g.count; ++i) lengths.push_back(normalise(g.row(i)));
  return lengths;
}

Result<std::vector<float>> inner_products(const RowPairs& pairs, const Workers& workers) {
  const std::size_t width = pairs.width;
  ENSURE(width > 0 && pairs.a.size() % width == 0 && pairs.b.size() % width == 0, "whole rows");
  const std::size_t m = pairs.a.size() / width;
  const std::size_t n = pairs.b.size() / width;
  if (workers.accelerator != nullptr) {
    const auto rows_of = [&](std::span<const float> values, std::size_t rows) {
      return gpu::FloatRows{values, static_cast<std::uint32_t>(rows),
                            static_cast<std::uint32_t>(width)};
    };
    return gpu::gram(*workers.accelerator, rows_of(pairs.a, m), rows_of(pairs.b, n));
  }
  std::vector<float> out(m * n);
  gpu::F32Gemm gemm(gpu::available_kernels().back(), workers.threads);
  gemm.multiply({m, n, width, gpu::by_rows(pairs.a.data(), width),
                 gpu::transposed(pairs.b.data(), width), out.data(), n, false});
  return out;
}

Result<std::vector<double>> damped_influence(const GradientRows& g, std::size_t documents,
                                             std::span<const std::size_t> blocks,
                                             const Workers& workers) {
  ENSURE(documents > 0 && documents <= g.count, "documents before queries");
  if (documents <= g.width) return solve_over_documents(g, documents, workers);
  const std::size_t all[] = {g.width};
  return solve_over_columns(g, documents, blocks.empty() ? all : blocks, workers);
}

}  // namespace orrery::model

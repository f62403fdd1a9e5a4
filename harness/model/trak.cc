#include "harness/model/trak.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/ensure.h"
#include "gpu/api/exact/signs.h"
#include "gpu/api/f32_math.h"
#include "gpu/cpu/gemm.h"
#include "gpu/cuda/device_attribution.h"
#include "harness/model/dense_solve.h"
#include "harness/model/text_gradients.h"

namespace orrery::model {
namespace {

constexpr std::size_t kMaxParameters = (std::size_t{1} << 24) - 1;  // 127 * 2^24 < 2^31
constexpr std::size_t kBlock =
    4096;  // parameters at a time: signs of all columns stay in the cache
constexpr gpu::exact::SoftScale kOne{1u << 30, -30};
constexpr double kUnit = 0x1p14;      // of projections
constexpr double kSolution = 0x1p20;  // of solved queries; products are Q34
constexpr int kToQ32 = 14 + 20 - 32;

// To the nearest integer, halves away from zero.
std::int64_t rounded(double x) { return static_cast<std::int64_t>(x < 0 ? x - 0.5 : x + 0.5); }

// The int8 row of a gradient: its largest magnitude becomes 127.
std::vector<std::int8_t> quantise(std::span<const float> gradient) {
  float largest = 0;
  for (const float g : gradient) largest = std::max(largest, g < 0 ? -g : g);
  std::vector<std::int8_t> out(gradient.size());
  if (!(largest > 0)) return out;
  const double scale = 127.0 / static_cast<double>(largest);
  for (std::size_t j = 0; j < out.size(); ++j) {
    out[j] = static_cast<std::int8_t>(rounded(static_cast<double>(gradient[j]) * scale));
  }
  return out;
}

// The signs of 128 columns from `first` on, of parameters [begin, begin + size): one row a column.
struct SignBlock {
  std::uint32_t first;
  std::size_t begin;
  std::uint32_t size;
};
std::vector<std::int8_t> draw_block(std::uint64_t seed, const SignBlock& block) {
  std::vector<std::int8_t> rows(std::size_t{gpu::exact::kSignsADraw} * block.size);
  for (std::uint32_t j = 0; j < block.size; ++j) {
    const auto drawn = gpu::exact::draw_signs(seed, static_cast<std::uint32_t>(block.begin + j),
                                              block.first / gpu::exact::kSignsADraw);
    for (std::uint32_t c = 0; c < gpu::exact::kSignsADraw; ++c) {
      rows[std::size_t{c} * block.size + j] =
          static_cast<std::int8_t>(gpu::exact::signed_by(drawn.w[c / 32], c % 32, 1));
    }
  }
  return rows;
}

// Gradients in int8, one after the other.
struct Rows {
  std::size_t width = 0;
  std::vector<std::int8_t> values;
  std::uint32_t count() const { return static_cast<std::uint32_t>(values.size() / width); }
};

// The columns [begin, end) * 128 of rows times signs, into `out` (rows x options.width).
void project_columns(const Rows& rows, gpu::PartRange draws, const TrakOptions& options,
                     std::span<std::int32_t> out) {
  constexpr std::uint32_t kColumns = gpu::exact::kSignsADraw;
  const gpu::Kernel kernel = gpu::available_kernels().back();
  std::vector<std::int32_t> sums(std::size_t{rows.count()} * kColumns);
  for (std::size_t begin = 0; begin < rows.width; begin += kBlock) {
    const auto size = static_cast<std::uint32_t>(std::min(kBlock, rows.width - begin));
    gpu::QuantMatrix signs(kColumns, size);
    const std::uint32_t stride = signs.groups() * gpu::QuantMatrix::kGroup;
    std::vector<std::uint8_t> block(std::size_t{rows.count()} * stride, gpu::biased(0));
    for (std::size_t i = 0; i < rows.count(); ++i) {
      for (std::size_t j = 0; j < size; ++j) {
        block[i * stride + j] = gpu::biased(rows.values[i * rows.width + begin + j]);
      }
    }
    for (std::uint32_t draw = draws.begin; draw < draws.end; ++draw) {
      const std::uint32_t first = draw * kColumns;
      const auto drawn = draw_block(options.seed, {first, begin, size});
      for (std::uint32_t c = 0; c < kColumns; ++c) {
        signs.set_row(c, std::span(drawn).subspan(std::size_t{c} * size, size), kOne);
      }
      gpu::multiply(kernel, signs, {block.data(), rows.count(), stride}, sums.data(), kColumns);
      for (std::size_t i = 0; i < rows.count(); ++i) {
        std::int32_t* to = out.data() + i * options.width + first;
        for (std::uint32_t c = 0; c < kColumns; ++c) to[c] += sums[i * kColumns + c];
      }
    }
  }
}

Result<std::vector<std::int32_t>> project_all(const Rows& rows, const TrakOptions& options,
                                              const Workers& workers) {
  if (workers.accelerator != nullptr) {
    return gpu::project_signs(*workers.accelerator,
                              {rows.values, rows.count(), static_cast<std::uint32_t>(rows.width)},
                              options.width, options.seed);
  }
  std::vector<std::int32_t> out(rows.count() * std::size_t{options.width});
  gpu::Serial serial;
  gpu::Parallel& threads = workers.threads != nullptr ? *workers.threads : serial;
  threads.each_part([&](std::uint32_t part) {
    const std::uint32_t draws = options.width / gpu::exact::kSignsADraw;
    project_columns(rows, gpu::part_range(draws, part, threads.width()), options, out);
  });
  return out;
}

// Of unit length, in Q14; zeros stay.
std::vector<std::int16_t> unit_row(std::span<const std::int32_t> row) {
  double squares = 0;
  for (const std::int32_t v : row) squares += static_cast<double>(v) * v;
  const double scale = squares > 0 ? kUnit / std::sqrt(squares) : 0;
  std::vector<std::int16_t> out;
  for (const std::int32_t v : row) out.push_back(static_cast<std::int16_t>(rounded(v * scale)));
  return out;
}

// Phi^T Phi, in integers of Q28, plus lambda, factorised: the upper half.
std::vector<double> covariance(std::span<const std::vector<std::int16_t>> phi, std::size_t width) {
  std::vector<std::int64_t> sums(width * width);
  for (const auto& row : phi) {
    for (std::size_t a = 0; a < width; ++a) {
      const std::int64_t left = row[a];
      for (std::size_t b = a; b < width; ++b) sums[a * width + b] += left * row[b];
    }
  }
  std::int64_t trace = 0;
  for (std::size_t a = 0; a < width; ++a) trace += sums[a * width + a];
  std::vector<double> out;
  for (const std::int64_t s : sums) out.push_back(static_cast<double>(s) / (kUnit * kUnit));
  const double lambda =
      std::max(static_cast<double>(trace) / (kUnit * kUnit) / static_cast<double>(width), 1e-9);
  for (std::size_t a = 0; a < width; ++a) out[a * width + a] += lambda;
  factorise(out, width);
  return out;
}

Status check_shape(const gpu::F32Model& model, const TrakOptions& options) {
  if (options.width == 0 || options.width % gpu::exact::kSignsADraw != 0 ||
      options.width > kMaxTrakWidth) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("trak: width {} is not a multiple of {} up to {}", options.width,
                            gpu::exact::kSignsADraw, kMaxTrakWidth));
  }
  if (model.values.size() <= kMaxParameters) return {};
  return fail(ErrorCode::kLimit, fmt::format("trak: {} parameters are more than {}",
                                             model.values.size(), kMaxParameters));
}

}  // namespace

std::vector<std::int32_t> project(std::span<const float> gradient, const TrakOptions& options) {
  ENSURE(gradient.size() <= kMaxParameters, "sums fit 32 bits");
  return *project_all({gradient.size(), quantise(gradient)}, options, {});
}

Status add_trak(const gpu::F32Model& model, const CheckpointTexts& texts,
                const TrakOptions& options, const Workers& workers, ScoreTable& to) {
  TRY(check(texts));
  TRY(check_shape(model, options));
  TRY(shape_table(to, texts));
  const std::size_t n = texts.documents.size();
  const std::size_t q = texts.queries.size();
  Rows rows{model.values.size(), {}};
  std::vector<double> doubts;  // 1 - p of each query
  std::vector<float> gradient(model.values.size());
  TextGradients gradients(model, workers);
  for (std::size_t i = 0; i < n + q; ++i) {
    ASSIGN_OR_RETURN(const float loss, gradients.of(text_of(texts, i), gradient));
    const auto row = quantise(gradient);
    rows.values.insert(rows.values.end(), row.begin(), row.end());
    if (i >= n) doubts.push_back(1 - static_cast<double>(gpu::exp_f32(-loss)));
    if (texts.progress) texts.progress(i + 1, n + q);
  }
  ASSIGN_OR_RETURN(const auto projected, project_all(rows, options, workers));
  std::vector<std::vector<std::int16_t>> phi;
  for (std::size_t i = 0; i < n + q; ++i) {
    phi.push_back(unit_row(std::span(projected).subspan(i * options.width, options.width)));
  }
  const std::vector<double> factor = covariance(std::span(phi).first(n), options.width);
  for (std::size_t row = 0; row < q; ++row) {
    std::vector<double> x;
    for (const std::int16_t v : phi[n + row]) x.push_back(v / kUnit * doubts[row]);
    solve(factor, x);
    std::vector<std::int64_t> solved;
    for (const double v : x) solved.push_back(rounded(v * kSolution));
    for (std::size_t i = 0; i < n; ++i) {
      std::int64_t sum = 0;
      for (std::uint32_t k = 0; k < options.width; ++k) sum += solved[k] * phi[i][k];
      to.scores[row * n + i] += sum >> kToQ32;
    }
  }
  return {};
}

}  // namespace orrery::model

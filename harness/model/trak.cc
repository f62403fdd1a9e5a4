#include "harness/model/trak.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/ensure.h"
#include "engine/base/random.h"
#include "gpu/cpu/f32_math.h"
#include "gpu/cpu/f32_network.h"
#include "gpu/cpu/gemm.h"
#include "harness/model/dense_solve.h"

namespace orrery::model {
namespace {

constexpr std::size_t kMaxParameters = (std::size_t{1} << 24) - 1;  // 127 * 2^24 < 2^31
constexpr std::uint32_t kSignsADraw = 128;
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

// Signs of `signs.size()` parameters from `first` (a multiple of 128) on, of one projected column:
// the bits of Philox of (column, parameter / 128).
struct SignPlace {
  std::uint32_t column;
  std::size_t first;
};
void draw_signs(std::uint64_t seed, const SignPlace& place, std::span<std::int8_t> signs) {
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed),
                                         static_cast<std::uint32_t>(seed >> 32)};
  for (std::size_t at = 0; at < signs.size(); at += kSignsADraw) {
    const auto block = static_cast<std::uint32_t>((place.first + at) / kSignsADraw);
    const auto words = philox4x32({block, place.column, 0x7472616bu, 0}, key);
    const std::size_t count = std::min<std::size_t>(kSignsADraw, signs.size() - at);
    for (std::size_t i = 0; i < count; ++i) {
      signs[at + i] = static_cast<std::int8_t>((words[i / 32] >> (i % 32) & 1u) * 2) - 1;
    }
  }
}

// Gradients in int8, one after the other.
struct Rows {
  std::size_t width = 0;
  std::vector<std::int8_t> values;
  std::uint32_t count() const { return static_cast<std::uint32_t>(values.size() / width); }
};

// The columns [begin, end) * kPanel of rows times signs, into `out` (rows x options.width).
void project_columns(const Rows& rows, gpu::PartRange panels, const TrakOptions& options,
                     std::span<std::int32_t> out) {
  constexpr std::uint32_t kPanel = gpu::QuantMatrix::kPanel;
  const std::uint32_t columns = (panels.end - panels.begin) * kPanel;
  if (columns == 0) return;
  const gpu::Kernel kernel = gpu::available_kernels().back();
  std::vector<std::int32_t> sums(std::size_t{rows.count()} * columns);
  for (std::size_t first = 0; first < rows.width; first += kBlock) {
    const auto size = static_cast<std::uint32_t>(std::min(kBlock, rows.width - first));
    gpu::QuantMatrix signs(columns, size);
    std::vector<std::int8_t> row(size);
    for (std::uint32_t c = 0; c < columns; ++c) {
      draw_signs(options.seed, {panels.begin * kPanel + c, first}, row);
      signs.set_row(c, row, kOne);
    }
    const std::uint32_t stride = signs.groups() * gpu::QuantMatrix::kGroup;
    std::vector<std::uint8_t> block(std::size_t{rows.count()} * stride, gpu::biased(0));
    for (std::size_t i = 0; i < rows.count(); ++i) {
      for (std::size_t j = 0; j < size; ++j) {
        block[i * stride + j] = gpu::biased(rows.values[i * rows.width + first + j]);
      }
    }
    gpu::multiply(kernel, signs, {block.data(), rows.count(), stride}, sums.data(), columns);
    for (std::size_t i = 0; i < rows.count(); ++i) {
      std::int32_t* to = out.data() + i * options.width + panels.begin * kPanel;
      for (std::uint32_t c = 0; c < columns; ++c) to[c] += sums[i * columns + c];
    }
  }
}

std::vector<std::int32_t> project_all(const Rows& rows, const TrakOptions& options,
                                      gpu::Parallel& threads) {
  std::vector<std::int32_t> out(rows.count() * std::size_t{options.width});
  threads.each_part([&](std::uint32_t part) {
    const std::uint32_t panels = options.width / gpu::QuantMatrix::kPanel;
    project_columns(rows, gpu::part_range(panels, part, threads.width()), options, out);
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

// Phi^T Phi, in integers of Q28, plus lambda, factorised.
std::vector<double> covariance(std::span<const std::vector<std::int16_t>> phi, std::size_t width) {
  std::vector<std::int64_t> sums(width * width);
  for (const auto& row : phi) {
    for (std::size_t a = 0; a < width; ++a) {
      const std::int64_t left = row[a];
      for (std::size_t b = 0; b <= a; ++b) sums[a * width + b] += left * row[b];
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

Status check(const gpu::F32Model& model, const CheckpointTexts& texts, const TrakOptions& options,
             const ScoreTable& to) {
  const auto refuse = [](const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, "trak: " + what);
  };
  if (texts.documents.empty() || texts.queries.empty()) return refuse("no documents or no queries");
  if (options.width == 0 || options.width % kSignsADraw != 0 || options.width > kMaxTrakWidth) {
    return refuse(fmt::format("width {} is not a multiple of {} up to {}", options.width,
                              kSignsADraw, kMaxTrakWidth));
  }
  if (!to.scores.empty() &&
      (to.queries != texts.queries.size() || to.documents != texts.documents.size())) {
    return refuse("the table has another shape");
  }
  if (model.values.size() <= kMaxParameters) return {};
  return fail(ErrorCode::kLimit, fmt::format("trak: {} parameters are more than {}",
                                             model.values.size(), kMaxParameters));
}

}  // namespace

std::vector<std::int32_t> project(std::span<const float> gradient, const TrakOptions& options) {
  ENSURE(gradient.size() <= kMaxParameters, "sums fit 32 bits");
  gpu::Serial serial;
  return project_all({gradient.size(), quantise(gradient)}, options, serial);
}

Status add_trak(const gpu::F32Model& model, const CheckpointTexts& texts,
                const TrakOptions& options, gpu::Parallel* parallel, ScoreTable& to) {
  TRY(check(model, texts, options, to));
  const std::size_t n = texts.documents.size();
  const std::size_t q = texts.queries.size();
  if (to.scores.empty()) to = {q, n, std::vector<std::int64_t>(q * n)};
  gpu::Serial serial;
  gpu::Parallel& threads = parallel != nullptr ? *parallel : static_cast<gpu::Parallel&>(serial);
  gpu::F32Network network(model.config, gpu::available_kernels().back(), &threads);
  Rows rows{model.values.size(), {}};
  std::vector<double> doubts;  // 1 - p of each query
  std::vector<float> gradient(model.values.size());
  for (std::size_t i = 0; i < n + q; ++i) {
    const Example& e = i < n ? texts.documents[i] : texts.queries[i - n];
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    const auto length = static_cast<std::uint32_t>(e.inputs.size());
    const float loss = network.gradient(model, {e.inputs, e.targets, 1, length}, 1.0f, gradient);
    const auto row = quantise(gradient);
    rows.values.insert(rows.values.end(), row.begin(), row.end());
    if (i >= n) doubts.push_back(1 - static_cast<double>(gpu::exp_f32(-loss)));
  }
  const std::vector<std::int32_t> projected = project_all(rows, options, threads);
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

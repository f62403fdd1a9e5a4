#include "harness/model/text_gradients.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gpu/cpu/f32_network.h"
#include "gpu/cuda/device_network.h"

namespace orrery::model {
namespace {

constexpr double kFloor = 0.01;  // of the mean of mean squares

}  // namespace

TextGradients::TextGradients(const gpu::F32Model& model, const Workers& workers) : model_(model) {
  if (workers.accelerator != nullptr) {
    source_ = std::make_unique<gpu::DeviceNetwork>(model.config, *workers.accelerator);
  } else {
    source_ = std::make_unique<gpu::F32Network>(model.config, gpu::available_kernels().back(),
                                                workers.threads);
  }
}

Result<float> TextGradients::of(const Example& text, std::span<float> to) {
  std::fill(to.begin(), to.end(), 0.0f);
  const auto length = static_cast<std::uint32_t>(text.inputs.size());
  return source_->add_gradient(model_, {text.inputs, text.targets, 1, length}, 1.0f, to);
}

Status check(const CheckpointTexts& texts) {
  if (texts.documents.empty() || texts.queries.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no documents or no queries");
  }
  if (texts.weight > 0 && texts.weight <= 1024) return {};
  return fail(ErrorCode::kInvalidArgument, "a checkpoint's weight is outside (0, 1024]");
}

Status shape_table(ScoreTable& table, const CheckpointTexts& texts) {
  const std::size_t queries = texts.queries.size();
  const std::size_t documents = texts.documents.size();
  if (table.scores.empty()) {
    table = {queries, documents, std::vector<std::int64_t>(queries * documents)};
  }
  if (table.queries == queries && table.documents == documents) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a table of {} queries and {} documents, not {} and {}", table.queries,
                          table.documents, queries, documents));
}

std::int64_t to_q32(double v) {
  const double bounded = v > 0x1p30 ? 0x1p30 : v < -0x1p30 ? -0x1p30 : v;
  return static_cast<std::int64_t>(bounded * 0x1p32);
}

void FisherScale::count(std::span<const float> row, double length) {
  for (std::size_t j = 0; j < row.size(); ++j) {
    const double value = row[j] * length;
    squares_[j] += value * value;
  }
}

std::vector<float> FisherScale::factors() const {
  double sum = 0;
  for (const double s : squares_) sum += s;
  const double floor = kFloor * sum / static_cast<double>(squares_.size());
  std::vector<float> out;
  if (!(floor > 0)) return out;
  for (const double s : squares_) {
    out.push_back(static_cast<float>(1 / std::sqrt((s + floor) / (sum + floor))));
  }
  return out;
}

void scale(std::span<float> row, std::span<const float> factors) {
  for (std::size_t j = 0; j < factors.size(); ++j) row[j] *= factors[j];
}

}  // namespace orrery::model

#include "gpu/cuda/self_test.h"

#include <algorithm>

#include "engine/base/random.h"
#include "gpu/cuda/host_accelerator.h"

namespace orrery::gpu {
namespace {

constexpr std::uint32_t kCheckedRows = 4;

}  // namespace

ProductTest::ProductTest(const DeviceMatrix& matrix, std::uint32_t rows, std::uint32_t q_stride)
    : outputs_(matrix.rows), q_(std::size_t{rows} * q_stride) {
  RandomStream random(1, rows, stream_id("gpu.self_test"));
  for (auto& v : q_) v = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  // A row of extremes: sums as large as they get.
  std::fill_n(q_.begin(), q_stride, std::int8_t{-127});
  const std::uint32_t count = std::min(rows, kCheckedRows);
  for (std::uint32_t i = 0; i < count; ++i) {
    checked_.push_back(count == 1 ? 0 : i * (rows - 1) / (count - 1));
  }
  expected_.resize(std::size_t{count} * outputs_);
  // The product's buffers are padded to whole groups of rows; a copy of one row is.
  std::vector<std::int8_t> padded(std::size_t{bodies::ProductColumn::kRows} * q_stride);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::copy_n(q_.begin() + std::size_t{checked_[i]} * q_stride, q_stride, padded.begin());
    HostAccelerator::multiply({.matrix = matrix,
                               .q = padded.data(),
                               .q_stride = q_stride,
                               .rows = 1,
                               .acc = expected_.data() + std::size_t{i} * outputs_,
                               .acc_stride = outputs_});
  }
}

bool ProductTest::passes(std::span<const std::int32_t> acc, std::uint32_t acc_stride) const {
  for (std::size_t i = 0; i < checked_.size(); ++i) {
    const auto row = acc.subspan(std::size_t{checked_[i]} * acc_stride, outputs_);
    if (!std::equal(row.begin(), row.end(), expected_.begin() + i * outputs_)) return false;
  }
  return true;
}

}  // namespace orrery::gpu

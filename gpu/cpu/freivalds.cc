#include "gpu/cpu/freivalds.h"

#include "engine/base/ensure.h"
#include "engine/base/random.h"

namespace orrery::gpu {

FreivaldsKey::FreivaldsKey(const QuantMatrix& matrix, std::uint64_t secret)
    : inputs_(matrix.cols()),
      bound_(std::int64_t{127} * 127 * matrix.cols()),
      random_(matrix.rows()),
      mixed_(matrix.cols()) {
  ENSURE(std::uint64_t{matrix.rows()} * matrix.cols() <= std::uint64_t{1} << 28,
         "a matrix whose check fits 64 bits");
  RandomStream random(secret, 0, stream_id("freivalds"));
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
    random_[n] = static_cast<std::int32_t>(random.next() >> 44);
    for (std::uint32_t k = 0; k < inputs_; ++k) {
      mixed_[k] += std::int64_t{random_[n]} * matrix.at(n, k);
    }
  }
}

bool FreivaldsKey::accepts(const ProductClaim& claim) const {
  for (std::uint32_t m = 0; m < claim.count; ++m) {
    const std::int32_t* c = claim.products + m * claim.product_stride;
    std::int64_t left = 0;
    bool in_range = true;
    for (std::size_t n = 0; n < random_.size(); ++n) {
      in_range = in_range && c[n] <= bound_ && -std::int64_t{c[n]} <= bound_;
      left += in_range ? std::int64_t{c[n]} * random_[n] : 0;
    }
    const std::int8_t* a = claim.rows + m * claim.row_stride;
    std::int64_t right = 0;
    for (std::uint32_t k = 0; k < inputs_; ++k) right += std::int64_t{a[k]} * mixed_[k];
    if (!in_range || left != right) return false;
  }
  return true;
}

}  // namespace orrery::gpu

#include "engine/base/distribution.h"

#include <algorithm>
#include <array>

#include "engine/base/integer.h"

// Fixed point throughout: kQ fractional bits in 128-bit integers. Every operation is an integer
// multiplication, shift or division, so that compilers, optimisation levels and libraries agree.
namespace orrery {
namespace {

constexpr std::uint64_t kPoints = 1024;
constexpr int kCellBits = 54;  // 64 - log2(kPoints): the part of a draw that interpolates

// Unbounded tails end at probability 1/8192 (one eighth of a cell): drawn linearly, the last cell
// then keeps its mean (for the exponential, ln 8 = 2.08 against the exact 2).
constexpr std::uint64_t kTailCells = 8;
constexpr std::uint64_t kFine = kPoints * kTailCells;  // probabilities are k / kFine

constexpr int kQ = 52;
constexpr i128 kOne = static_cast<i128>(1) << kQ;
constexpr i128 kInverseSqrtTwoPi = 1796676305358228;  // 1/sqrt(2 pi)
constexpr i128 kLn2 = 3121657384082680;               // ln 2
constexpr i128 kLog2E = 6497320848556798;             // 1/ln 2

constexpr i128 kMaxSample = INT64_MAX;
constexpr i128 kMinSample = INT64_MIN;

i128 multiply_q(i128 a, i128 b) { return (a * b) >> kQ; }

struct Normal {
  i128 half_area;  // Phi(z) - 1/2
  i128 density;    // phi(z)
};

// Taylor series at 0 for 0 <= z < 4: phi(z) = c sum t_n, Phi(z) - 1/2 = c sum z t_n / (2n+1) with
// t_n = (-z^2/2)^n / n!. Largest term e^8, so 52 bits keep ten decimal digits of z.
Normal normal_at(i128 z) {
  const i128 half_square = multiply_q(z, z) / 2;
  i128 term = kOne;
  i128 density = 0;
  i128 area = 0;
  for (int n = 0; term != 0 && n < 100; ++n) {
    density += term;
    area += term / (2 * n + 1);
    // Division truncates to zero, unlike a shift, so an alternating term does reach 0.
    term = -(term * half_square / kOne) / (n + 1);
  }
  return {multiply_q(multiply_q(area, z), kInverseSqrtTwoPi),
          multiply_q(density, kInverseSqrtTwoPi)};
}

// z with Phi(z) = 1/2 + half_area, by Newton's method from `below`. Phi is concave for z > 0, so a
// step from below never passes the root.
i128 normal_quantile(i128 half_area, i128 below) {
  i128 z = below;
  for (int i = 0; i < 32; ++i) {
    const Normal here = normal_at(z);
    const i128 step = ((half_area - here.half_area) << kQ) / here.density;
    if (step <= 0) break;
    z += step;
  }
  return z;
}

// z of the probabilities 1/2 + k/kPoints for k = 0 .. kPoints/2; the last one is the tail's end.
std::vector<i128> upper_normal_quantiles() {
  std::vector<i128> z(kPoints / 2 + 1, 0);
  for (std::uint64_t k = 1; k < z.size(); ++k) {
    const std::uint64_t fine = std::min(k * kTailCells, kFine / 2 - 1);
    z[k] = normal_quantile(kOne * fine / kFine, z[k - 1]);
  }
  return z;
}

// log2(a / b) for a >= b > 0, by repeated squaring: one bit a turn.
i128 log2_ratio(std::uint64_t a, std::uint64_t b) {
  constexpr int kMantissa = 62;
  int whole = 0;
  while (a / b >> (whole + 1) != 0) ++whole;
  u128 m = (static_cast<u128>(a) << kMantissa) / (static_cast<u128>(b) << whole);
  i128 result = whole;
  for (int i = 0; i < kQ; ++i) {
    m = (m * m) >> kMantissa;
    const bool bit = (m >> (kMantissa + 1)) != 0;
    if (bit) m >>= 1;
    result = result * 2 + (bit ? 1 : 0);
  }
  return result;
}

// x * 2^exponent, saturating at the largest sample.
class Exp2 {
 public:
  Exp2() {
    u128 root = static_cast<u128>(2) << kMantissa;
    for (u128& r : roots_) r = root = isqrt(root << kMantissa);
  }
  i128 scale(i128 x, i128 exponent) const {
    const i128 whole = exponent >> kQ;  // floor, also below zero
    u128 fraction = static_cast<u128>(1) << kMantissa;
    for (int i = 0; i < kQ; ++i) {
      if ((exponent >> (kQ - 1 - i)) & 1) {
        fraction = (fraction * roots_[static_cast<std::size_t>(i)]) >> kMantissa;
      }
    }
    if (whole < -63) return 0;
    const u128 product = static_cast<u128>(x) * fraction;  // below 2^126
    if (whole <= 0) return static_cast<i128>(product >> (kMantissa - static_cast<int>(whole)));
    const u128 value = product >> kMantissa;
    if (whole > 62 || value > static_cast<u128>(kMaxSample) >> static_cast<int>(whole)) {
      return kMaxSample;
    }
    return static_cast<i128>(value << static_cast<int>(whole));
  }

 private:
  static constexpr int kMantissa = 62;
  std::array<u128, kQ> roots_;  // roots_[i] = 2^(2^-(i+1))
};

// log2(1 / (1 - k/kPoints)), the last point at the tail's end.
i128 log2_of_tail(std::uint64_t k) {
  const std::uint64_t left = k == kPoints ? 1 : (kPoints - k) * kTailCells;
  return log2_ratio(kFine, left);
}

Status validate(const DistributionSpec& s) {
  const auto bad = [](const char* why) { return fail(ErrorCode::kInvalidArgument, why); };
  if (s.min > s.max) return bad("a distribution's min must not exceed its max");
  constexpr std::int64_t kMaxShape = std::int64_t{64} << 32;
  switch (s.kind) {
    case DistributionKind::kConst: return {};
    case DistributionKind::kUniform:
      if (s.b < s.a) return bad("a uniform distribution needs its upper end at or above the lower");
      return {};
    case DistributionKind::kNormal:
      if (s.b < 0) return bad("a normal distribution needs a standard deviation of at least 0");
      return {};
    case DistributionKind::kLognormal:
      if (s.a < 0) return bad("a lognormal distribution needs a median of at least 0");
      if (s.shape_q32 < 0 || s.shape_q32 > kMaxShape) return bad("sigma must lie in 0 .. 64");
      return {};
    case DistributionKind::kExp:
      if (s.a < 0) return bad("an exponential distribution needs a mean of at least 0");
      return {};
    case DistributionKind::kPareto:
      if (s.a < 0) return bad("a Pareto distribution needs a minimum of at least 0");
      if (s.shape_q32 <= 0 || s.shape_q32 > kMaxShape) return bad("alpha must lie in (0, 64]");
      return {};
  }
  return bad("unknown kind of distribution");
}

// The quantile function of a valid spec at k/kPoints for k = 0 .. kPoints.
std::vector<i128> quantiles(const DistributionSpec& s) {
  std::vector<i128> q(kPoints + 1, s.a);
  const i128 shape = s.shape_q32;
  if (s.kind == DistributionKind::kNormal || s.kind == DistributionKind::kLognormal) {
    const std::vector<i128> z = upper_normal_quantiles();
    const Exp2 exp2;
    for (std::uint64_t k = 0; k <= kPoints; ++k) {
      constexpr std::uint64_t kMiddle = kPoints / 2;
      const i128 zk = k >= kMiddle ? z[k - kMiddle] : -z[kMiddle - k];
      if (s.kind == DistributionKind::kNormal) {
        q[k] = s.a + multiply_q(s.b, zk);
      } else {
        q[k] = exp2.scale(s.a, multiply_q((shape * zk) >> 32, kLog2E));
      }
    }
    return q;
  }
  const Exp2 exp2;
  for (std::uint64_t k = 0; k <= kPoints; ++k) {
    if (s.kind == DistributionKind::kUniform) {
      q[k] = s.a + ((static_cast<i128>(s.b) - s.a) * k) / kPoints;
    } else if (s.kind == DistributionKind::kExp) {
      q[k] = multiply_q(s.a, multiply_q(log2_of_tail(k), kLn2));
    } else if (s.kind == DistributionKind::kPareto) {
      q[k] = exp2.scale(s.a, (log2_of_tail(k) << 32) / shape);
    }
  }
  return q;
}

}  // namespace

Result<Distribution> Distribution::make(const DistributionSpec& spec) {
  TRY(validate(spec));
  Distribution distribution;
  const auto clamp = [&](i128 v) {
    v = std::clamp(v, kMinSample, kMaxSample);
    return std::clamp(static_cast<std::int64_t>(v), spec.min, spec.max);
  };
  if (spec.kind == DistributionKind::kConst) {
    distribution.quantiles_ = {clamp(spec.a)};
    return distribution;
  }
  for (const i128 v : quantiles(spec)) distribution.quantiles_.push_back(clamp(v));
  return distribution;
}

std::int64_t Distribution::at(std::uint64_t draw) const {
  if (quantiles_.size() == 1) return quantiles_.front();
  const std::size_t cell = draw >> kCellBits;
  const std::uint64_t fraction = draw & ((std::uint64_t{1} << kCellBits) - 1);
  const std::int64_t low = quantiles_[cell];
  const i128 width = static_cast<i128>(quantiles_[cell + 1]) - low;
  return static_cast<std::int64_t>(low + ((width * fraction) >> kCellBits));
}

}  // namespace orrery

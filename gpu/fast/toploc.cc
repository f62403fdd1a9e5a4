#include "gpu/fast/toploc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "engine/base/codec.h"
#include "gpu/fast/fast_model.h"

namespace orrery::gpu {
namespace {

using Elements = std::vector<std::uint32_t>;  // of the field

std::uint32_t times(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::uint32_t>(std::uint64_t{a} * b % kToplocField);
}
std::uint32_t minus(std::uint32_t a, std::uint32_t b) {
  return a >= b ? a - b : a + kToplocField - b;
}
std::uint32_t inverse(std::uint32_t a) {  // Fermat: a^(p - 2)
  std::uint32_t result = 1;
  for (std::uint32_t e = kToplocField - 2; e != 0; e >>= 1) {
    if (e & 1u) result = times(result, a);
    a = times(a, a);
  }
  return result;
}

// Newton's divided differences, then from Newton's basis to powers of x.
Elements interpolate(const Elements& x, const Elements& y) {
  const std::size_t n = x.size();
  Elements newton = y;
  for (std::size_t order = 1; order < n; ++order) {
    for (std::size_t i = n - 1; i >= order; --i) {
      newton[i] = times(minus(newton[i], newton[i - 1]), inverse(minus(x[i], x[i - order])));
    }
  }
  Elements powers(n, 0);
  for (std::size_t i = n; i-- > 0;) {  // powers = powers * (X - x[i]) + newton[i]
    for (std::size_t k = n - 1; k > 0; --k) {
      powers[k] = minus(powers[k - 1], times(powers[k], x[i]));
    }
    powers[0] = minus(newton[i], times(powers[0], x[i]));
  }
  return powers;
}

std::uint32_t evaluate(const std::vector<std::uint16_t>& coefficients, std::uint32_t x) {
  std::uint32_t sum = 0;
  for (std::size_t k = coefficients.size(); k-- > 0;) {
    sum = (times(sum, x) + coefficients[k]) % kToplocField;
  }
  return sum;
}

struct TopValues {
  Elements indices;
  Elements bits;
};

Result<TopValues> top_values(std::span<const float> values) {
  if (values.empty() || values.size() >> 32 != 0) {
    return fail(ErrorCode::kInvalidArgument, "a window without values, or with too many");
  }
  std::vector<std::uint16_t> bits(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    bits[i] = to_bf16(values[i]);
    if ((bits[i] & 0x7fffu) > 0x7f80u) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("value {} is not a number", i));
    }
  }
  TopValues top;
  top.indices.resize(values.size());
  std::iota(top.indices.begin(), top.indices.end(), 0u);
  const std::size_t k = std::min<std::size_t>(kToplocValues, values.size());
  const auto larger = [&](std::uint32_t a, std::uint32_t b) {
    const int size_a = bits[a] & 0x7fff, size_b = bits[b] & 0x7fff;
    return size_a != size_b ? size_a > size_b : a < b;
  };
  std::partial_sort(top.indices.begin(), top.indices.begin() + static_cast<std::ptrdiff_t>(k),
                    top.indices.end(), larger);
  top.indices.resize(k);
  for (const std::uint32_t i : top.indices) top.bits.push_back(bits[i]);
  return top;
}

bool keeps_apart(const Elements& indices, std::uint32_t modulus, std::vector<bool>& seen) {
  seen.assign(modulus, false);
  for (const std::uint32_t i : indices) {
    if (seen[i % modulus]) return false;
    seen[i % modulus] = true;
  }
  return true;
}

}  // namespace

Bytes ToplocCommitment::encode() const {
  Writer out;
  out.u16(modulus);
  for (const std::uint16_t c : coefficients) out.u16(c);
  return out.take();
}

Result<ToplocCommitment> ToplocCommitment::decode(ByteView bytes) {
  if (bytes.size() < 4 || bytes.size() % 2 != 0 || bytes.size() > 2 + 2 * kToplocValues) {
    return fail(ErrorCode::kMalformed, fmt::format("{} bytes are no commitment", bytes.size()));
  }
  Reader in(bytes);
  ToplocCommitment out{.modulus = in.u16(), .coefficients = {}};
  if (out.modulus == 0 || out.modulus > kToplocField) in.fail("the modulus is out of range");
  for (std::size_t i = 1; i < bytes.size() / 2; ++i) {
    out.coefficients.push_back(in.u16());
    if (out.coefficients.back() >= kToplocField) in.fail("a coefficient is outside the field");
  }
  TRY(in.finish());
  return out;
}

Result<ToplocCommitment> toploc_commit(std::span<const float> values) {
  ASSIGN_OR_RETURN(TopValues top, top_values(values));
  std::vector<bool> seen;
  std::uint32_t modulus = kToplocField;
  while (modulus > 0 && !keeps_apart(top.indices, modulus, seen)) --modulus;
  if (modulus == 0) {
    return fail(ErrorCode::kInvalidArgument, "no modulus keeps the indices apart");
  }
  for (std::uint32_t& i : top.indices) i %= modulus;
  ToplocCommitment out{.modulus = static_cast<std::uint16_t>(modulus), .coefficients = {}};
  for (const std::uint32_t c : interpolate(top.indices, top.bits)) {
    out.coefficients.push_back(static_cast<std::uint16_t>(c));
  }
  return out;
}

Result<ToplocDistance> toploc_distance(const ToplocCommitment& claim,
                                       std::span<const float> values) {
  ASSIGN_OR_RETURN(const TopValues top, top_values(values));
  if (claim.modulus == 0 || claim.coefficients.size() != top.indices.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} values are committed to, {} were computed",
                            claim.coefficients.size(), top.indices.size()));
  }
  ToplocDistance out{.compared = static_cast<std::uint32_t>(top.indices.size())};
  std::vector<int> off;
  for (std::size_t i = 0; i < top.indices.size(); ++i) {
    const std::uint32_t said = evaluate(claim.coefficients, top.indices[i] % claim.modulus);
    if (said >> 7 != top.bits[i] >> 7) continue;  // sign and exponent
    off.push_back(std::abs(static_cast<int>(said & 0x7fu) - static_cast<int>(top.bits[i] & 0x7fu)));
  }
  out.exponents = static_cast<std::uint32_t>(off.size());
  if (off.empty()) return out;
  std::sort(off.begin(), off.end());
  out.mean_mantissa =
      std::accumulate(off.begin(), off.end(), 0.0) / static_cast<double>(off.size());
  out.median_mantissa = off[off.size() / 2];
  return out;
}

bool accepts(const ToplocThresholds& t, const ToplocDistance& d) {
  return d.exponents >= t.exponents * d.compared && d.mean_mantissa <= t.mean_mantissa &&
         d.median_mantissa <= t.median_mantissa;
}

}  // namespace orrery::gpu

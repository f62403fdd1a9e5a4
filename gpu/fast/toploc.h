// Commitments to inexact executions, after TOPLOC (arXiv 2501.16007), in a specification of our
// own. A worker commits to the largest final hidden values of each window of tokens; a verifier
// computes the same rows in one pass, in whatever order its machine adds, and compares: rounding
// moves mantissas a little, another model or context moves exponents.
//
// A window of rows is flattened and rounded to bfloat16. Of the values of largest magnitude (ties:
// the lower index first) the k = min(128, number of values) first are taken. With M the largest
// modulus up to 65,497 that keeps their indices distinct, the polynomial of degree below k over the
// field of 65,497 elements through the points (index mod M, bits) is the commitment: M and k
// coefficients, 2 (1 + 128) = 258 bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace orrery::gpu {

inline constexpr std::uint32_t kToplocWindow = 32;     // tokens
inline constexpr std::uint32_t kToplocValues = 128;    // a window
inline constexpr std::uint32_t kToplocField = 65'497;  // prime; higher bit patterns are NaNs

struct ToplocCommitment {
  std::uint16_t modulus = 0;
  std::vector<std::uint16_t> coefficients;  // from the constant term on

  Bytes encode() const;
  // kMalformed: length, a modulus of 0 or above the field, a coefficient outside the field.
  static Result<ToplocCommitment> decode(ByteView bytes);
  friend bool operator==(const ToplocCommitment&, const ToplocCommitment&) = default;
};

// `values`: the rows of one window, at least one value and fewer than 2^32. kInvalidArgument: NaNs,
// or indices that no modulus keeps apart.
Result<ToplocCommitment> toploc_commit(std::span<const float> values);

// How far a verifier's own values are from the committed ones, at the verifier's top indices.
struct ToplocDistance {
  std::uint32_t compared = 0;
  std::uint32_t exponents = 0;  // that agree, together with the sign
  double mean_mantissa = 128;   // mean and median difference of mantissas (7 bits) where they do
  double median_mantissa = 128;
};
// kInvalidArgument as above, or another number of values than committed.
Result<ToplocDistance> toploc_distance(const ToplocCommitment& claim,
                                       std::span<const float> values);

struct ToplocThresholds {
  double exponents = 90.0 / 128;  // share that must agree
  double mean_mantissa = 10;
  double median_mantissa = 8;
};
bool accepts(const ToplocThresholds& thresholds, const ToplocDistance& distance);

}  // namespace orrery::gpu

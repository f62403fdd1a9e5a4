// How an operation on a row is spread over lanes. An operation is a series of sweeps over elements;
// within a sweep no element reads what another writes, and what a sweep folds (a maximum, a sum of
// integers) is free of order, or its order is written down (sums of floats). So one text of the
// operation serves a loop on the CPU, the threads of a block on a device, and an emulation of those
// threads in tests; all give the same bits.
//
// A Group offers, with f called exactly once for each i in [0, n) and all writes of a sweep visible
// after it:
//   each(n, f)       f(i)
//   max(n, f)        the largest f(i), an unsigned integer; 0 for n = 0
//   sum<T>(n, f)     the sum of f(i) as T (32- or 64-bit integers; must not overflow if signed)
//   sums<T, R>(n, out, f)  f(i, out) adds to R sums; out[r] starts at 0
//   sum_f32(n, f)    the sum of floats f(i) in the one shape that exact-f32 allows (f32_math.h);
//                    blocks of a device have none
//   one(f)           f() by one lane
//   add(counter, v)  *counter += v, also while other groups do
// Sweeps return the same value to every lane, so what lies between them is plain code.
#pragma once

#include <cstdint>

#include "gpu/api/exact/fixed.h"
#include "gpu/api/f32_math.h"

namespace orrery::gpu::exact {

// One lane: the CPU.
struct Solo {
  template <class Function>
  ORRERY_HOST_DEVICE constexpr void each(std::int32_t n, const Function& f) const {
    for (std::int32_t i = 0; i < n; ++i) f(i);
  }
  template <class Function>
  ORRERY_HOST_DEVICE constexpr auto max(std::int32_t n, const Function& f) const {
    auto top = decltype(f(n)){0};
    for (std::int32_t i = 0; i < n; ++i) {
      const auto v = f(i);
      top = v > top ? v : top;
    }
    return top;
  }
  template <class T, class Function>
  ORRERY_HOST_DEVICE constexpr T sum(std::int32_t n, const Function& f) const {
    T total = 0;
    for (std::int32_t i = 0; i < n; ++i) total += f(i);
    return total;
  }
  template <class T, int R, class Function>
  ORRERY_HOST_DEVICE constexpr void sums(std::int32_t n, T (&out)[R], const Function& f) const {
    for (int r = 0; r < R; ++r) out[r] = 0;
    for (std::int32_t i = 0; i < n; ++i) f(i, out);
  }
  template <class Function>
  ORRERY_HOST_DEVICE float sum_f32(std::int32_t n, const Function& f) const {
    return gpu::sum_f32(n, f);
  }
  template <class Function>
  ORRERY_HOST_DEVICE constexpr void one(const Function& f) const {
    f();
  }
  ORRERY_HOST_DEVICE constexpr void add(std::uint64_t* counter, std::uint64_t v) const {
    *counter += v;
  }
};

}  // namespace orrery::gpu::exact

// A group of lanes emulated on one thread (gpu/api/exact/group.h): within a sweep the lanes run one
// after the other in a scrambled order, each over its own elements, and what they fold is combined
// as a tree. An operation that reads what another lane writes in the same sweep, or that depends on
// the order of a sum, gives other bits here than on one lane.
#pragma once

#include <cstdint>

#include "gpu/api/exact/group.h"

namespace orrery::gpu {

class HostLanes {
 public:
  static constexpr std::uint32_t kMost = 64;
  // count: a power of two, at most kMost.
  explicit HostLanes(std::uint32_t count) : count_(count) {}

  template <class Function>
  void each(std::int32_t n, const Function& f) const {
    for (std::uint32_t k = 0; k < count_; ++k) {
      for (std::int32_t i = lane(k); i < n; i += static_cast<std::int32_t>(count_)) f(i);
    }
  }
  template <class Function>
  auto max(std::int32_t n, const Function& f) const {
    decltype(f(n)) tops[kMost] = {};
    for (std::uint32_t k = 0; k < count_; ++k) {
      for (std::int32_t i = lane(k); i < n; i += static_cast<std::int32_t>(count_)) {
        const auto v = f(i);
        tops[k] = v > tops[k] ? v : tops[k];
      }
    }
    for (std::uint32_t half = count_ / 2; half > 0; half /= 2) {
      for (std::uint32_t k = 0; k < half; ++k) {
        tops[k] = tops[k + half] > tops[k] ? tops[k + half] : tops[k];
      }
    }
    return tops[0];
  }
  template <class T, class Function>
  T sum(std::int32_t n, const Function& f) const {
    T total[1];
    sums(n, total, [&](std::int32_t i, T(&out)[1]) { out[0] += f(i); });
    return total[0];
  }
  template <class T, int R, class Function>
  void sums(std::int32_t n, T (&out)[R], const Function& f) const {
    T lanes[kMost][R] = {};
    for (std::uint32_t k = 0; k < count_; ++k) {
      for (std::int32_t i = lane(k); i < n; i += static_cast<std::int32_t>(count_)) f(i, lanes[k]);
    }
    for (int r = 0; r < R; ++r) {
      for (std::uint32_t half = count_ / 2; half > 0; half /= 2) {
        for (std::uint32_t k = 0; k < half; ++k) lanes[k][r] += lanes[k + half][r];
      }
      out[r] = lanes[0][r];
    }
  }
  // Each partial sum is some lane's; the tree's levels are sweeps.
  template <class Function>
  float sum_f32(std::int32_t n, const Function& f) const {
    float partial[kSumLanes] = {};
    each(kSumLanes, [&](std::int32_t j) {
      for (std::int32_t i = j; i < n; i += kSumLanes) partial[j] += f(i);
    });
    for (std::int32_t half = kSumLanes / 2; half > 0; half /= 2) {
      each(half, [&](std::int32_t j) { partial[j] += partial[j + half]; });
    }
    return partial[0];
  }
  template <class Function>
  void one(const Function& f) const {
    f();
  }
  void add(std::uint64_t* counter, std::uint64_t v) const { *counter += v; }

 private:
  // An odd step visits every lane of a power of two once.
  std::int32_t lane(std::uint32_t k) const {
    return static_cast<std::int32_t>((k * 77 + 13) & (count_ - 1));
  }

  std::uint32_t count_;
};

}  // namespace orrery::gpu

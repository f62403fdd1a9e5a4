// Shrinking: from something that fails to something small that still fails the same way. A greedy
// form of delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing
// input", IEEE TSE 28(2), 2002): passes propose smaller versions, the first that fails is taken,
// until no pass has one or the budget is spent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace orrery::check {

// Proposals of one pass, boldest first. They may be wrong in themselves: they then do not fail.
template <class T>
using ShrinkPass = std::function<std::vector<T>(const T& current)>;

struct ShrinkCounts {
  std::uint64_t tried = 0;
  std::uint64_t kept = 0;
};

// `fails` says whether a proposal fails as `start` does; false once the budget is spent. A pass is
// asked again as long as it succeeds, and all passes again as long as one of them did.
template <class T>
T shrink(T start, const std::vector<ShrinkPass<T>>& passes,
         const std::function<bool(const T&)>& fails, ShrinkCounts* counts = nullptr) {
  ShrinkCounts ignored;
  ShrinkCounts& count = counts ? *counts : ignored;
  const auto improve = [&](const ShrinkPass<T>& pass) {
    for (T& proposal : pass(start)) {
      ++count.tried;
      if (!fails(proposal)) continue;
      ++count.kept;
      start = std::move(proposal);
      return true;
    }
    return false;
  };
  for (bool improved = true; improved;) {
    improved = false;
    for (const ShrinkPass<T>& pass : passes) {
      while (improve(pass)) improved = true;
    }
  }
  return start;
}

// Which of `size` items to leave out: all, then halves, quarters ... single ones, as half-open
// ranges.
inline std::vector<std::pair<std::size_t, std::size_t>> ranges_to_drop(std::size_t size) {
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (std::size_t step = size; step > 0; step = step == 1 ? 0 : (step + 1) / 2) {
    for (std::size_t begin = 0; begin < size; begin += step) {
      ranges.emplace_back(begin, std::min(begin + step, size));
    }
  }
  return ranges;
}

}  // namespace orrery::check

// Classes of Unicode code points that tokenizers split by: \p{L}, \p{N} and \s, as sorted ranges.
#pragma once

#include <cstdint>
#include <span>

namespace orrery::model {

struct CodeRange {
  std::uint32_t first;
  std::uint32_t last;  // inclusive
};

std::span<const CodeRange> letter_ranges();
std::span<const CodeRange> number_ranges();
std::span<const CodeRange> space_ranges();

}  // namespace orrery::model

// Texts that are copies of others, exactly or nearly: of several copies one is trained on and paid.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "harness/model/corpus.h"

namespace orrery::model {

// The parts between spaces.
std::vector<std::string_view> words_of(std::string_view text);

// Hashes of the runs of `letters` bytes (at least 1) of a text whose letters are small and whose
// spaces are single, each once, ascending. A shorter text is one run.
std::vector<std::uint64_t> shingles_of(std::string_view text, std::size_t letters);
// How many values two ascending lists share.
std::size_t common(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b);

// For each document the index of the first with equal text (its own, if it is that one).
std::vector<std::uint32_t> first_of_equals(std::span<const Document> documents);

// The same for near copies: documents are in the order of their registration; two are copies if
// three fifths of the words of the longer one stand in both in the same order (a longest common
// subsequence), and so are copies of copies. Measured on planted texts of 29 words: copies with
// 10 % of the words exchanged keep at least 0.65 in common, 99 in a hundred of those with 20 % at
// least 0.61, and of texts that are no copies one in a hundred has a neighbour above 0.53. Pairs to
// count are found by MinHash over runs of nine letters (Broder, "On the resemblance and containment
// of documents", 1997): 256 minima in bands of two; a pair that shares a fifth of its runs is
// missed with probability (1 - 1/25)^128 = 5e-3. Time grows with the pairs that look alike; a band
// of more than kMaxBandPairs documents is compared with its first only, so boilerplate cannot make
// it quadratic.
inline constexpr std::size_t kMaxBandPairs = 64;
std::vector<std::uint32_t> first_of_copies(std::span<const Document> documents);

}  // namespace orrery::model

// Texts that are copies of others, exactly or nearly: of several copies one is trained on and paid.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "harness/model/corpus.h"

namespace orrery::model {

// Hashes of the runs of `letters` bytes (at least 1) of a text whose letters are small and whose
// spaces are single, each once, ascending. A shorter text is one run.
std::vector<std::uint64_t> shingles_of(std::string_view text, std::size_t letters);
// How many values two ascending lists share.
std::size_t common(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b);

// For each document the index of the first with equal text (its own, if it is that one).
std::vector<std::uint32_t> first_of_equals(std::span<const Document> documents);

// The same for near copies: documents are in the order of their registration; two are copies if
// a third of all their runs of nine letters is common to both (Jaccard's index, counted exactly),
// and so are copies of copies. Measured on planted texts of 150 letters: one in a hundred copies
// with 10 % of the words exchanged is missed, and about as many of the texts of one style are taken
// for copies. Pairs to count are found by MinHash (Broder, "On the resemblance and containment of
// documents", 1997): 128 minima in bands of two. A pair at the threshold is missed with probability
// (1 - 1/9)^64 = 5e-4. Time grows with the pairs that look alike; a band of more than kMaxBandPairs
// documents is compared with its first only, so boilerplate cannot make it quadratic.
inline constexpr std::size_t kMaxBandPairs = 64;
std::vector<std::uint32_t> first_of_copies(std::span<const Document> documents);

}  // namespace orrery::model

#include <algorithm>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/random.h"
#include "gpu/api/exact/tables.h"
#include "gpu/api/inference.h"

namespace orrery::gpu {
namespace {

struct Candidate {
  std::uint32_t weight;
  std::uint32_t id;
};

std::uint64_t random_bits(std::uint64_t seed, std::uint64_t position) {
  constexpr std::uint64_t kStream = stream_id("gpu.sample");
  const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  const auto out = philox4x32({low(position), high(position), low(kStream), high(kStream)},
                              {low(seed), high(seed)});
  return static_cast<std::uint64_t>(out[1]) << 32 | out[0];
}

// Tokens of nonzero weight, in the order (weight descending, id ascending).
std::vector<Candidate> candidates(std::span<const std::int32_t> logits, std::uint32_t top,
                                  std::uint32_t temperature) {
  using exact::rsh;
  const exact::SoftScale scale =
      exact::soft_mul(exact::kLog2E, exact::soft_inverse(exact::soft(temperature, -16)));
  const std::int32_t* table = exact::exp2_table();
  std::vector<Candidate> kept;
  kept.reserve(logits.size());
  for (std::uint32_t id = 0; id < logits.size(); ++id) {
    // A gap of 2^31 (32768 nats) has weight zero at every allowed temperature, so it may be capped.
    const std::int64_t gap =
        std::min<std::int64_t>(std::int64_t{logits[top]} - logits[id], INT32_MAX);
    const std::int64_t d = std::min<std::int64_t>(rsh(gap * scale.m, -scale.e), UINT32_MAX);
    const std::int32_t weight = exact::exp2_negative(static_cast<std::uint32_t>(d), table);
    if (weight > 0) kept.push_back({static_cast<std::uint32_t>(weight), id});
  }
  std::sort(kept.begin(), kept.end(), [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  });
  return kept;
}

std::uint64_t total_weight(const std::vector<Candidate>& list) {
  std::uint64_t total = 0;
  for (const Candidate& c : list) total += c.weight;
  return total;
}

}  // namespace

std::uint32_t sample_token(std::span<const std::int32_t> logits, const SamplingParams& params,
                           std::uint64_t sampling_seed, std::uint64_t position) {
  ENSURE(!logits.empty(), "a token is drawn from at least one");
  const auto top =
      static_cast<std::uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  if (params.temperature == 0) return top;

  std::vector<Candidate> list = candidates(logits, top, params.temperature);
  if (params.top_k != 0 && list.size() > params.top_k) list.resize(params.top_k);
  std::uint64_t total = total_weight(list);
  if (params.top_p < kTopPOne) {
    // Weights stay below 2^46 in all, so the product needs more than 64 bits.
    const u128 share = static_cast<u128>(total) * params.top_p;
    const auto needed = static_cast<std::uint64_t>((share + kTopPOne - 1) >> 32);
    std::size_t count = 0;
    std::uint64_t mass = 0;
    do {
      mass += list[count++].weight;
    } while (mass < needed);
    list.resize(count);
    total = mass;
  }
  auto left = static_cast<std::uint64_t>(
      (static_cast<u128>(random_bits(sampling_seed, position)) * total) >> 64);
  std::size_t drawn = 0;
  while (left >= list[drawn].weight) {
    left -= list[drawn++].weight;
    ENSURE(drawn < list.size(), "the draw is below the total weight");
  }
  return list[drawn].id;
}

}  // namespace orrery::gpu

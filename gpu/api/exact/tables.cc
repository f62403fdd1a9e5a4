#include "gpu/api/exact/tables.h"

#include <array>

#include "engine/base/integer.h"

namespace orrery::gpu::exact {
namespace {

constexpr std::uint64_t kOneQ62 = std::uint64_t{1} << 62;

constexpr std::uint64_t mul_q62(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>((static_cast<u128>(a) * b + (kOneQ62 >> 1)) >> 62);
}

// sqrt of a Q62 value in [1/4, 1], by bisection on the square.
constexpr std::uint64_t sqrt_q62(std::uint64_t a) {
  std::uint64_t root = 0;
  for (int bit = 62; bit >= 0; --bit) {
    const std::uint64_t trial = root | std::uint64_t{1} << bit;
    if (static_cast<u128>(trial) * trial <= static_cast<u128>(a) << 62) root = trial;
  }
  return root;
}

// 2^(-1/256) is the eighth square root of one half; the powers add an error of 2^-54 at most.
constexpr std::array<std::int32_t, kExp2Entries> make_exp2() {
  std::uint64_t step = kOneQ62 / 2;
  for (int i = 0; i < 8; ++i) step = sqrt_q62(step);
  std::array<std::int32_t, kExp2Entries> table{};
  std::uint64_t power = kOneQ62;
  for (auto& entry : table) {
    entry = static_cast<std::int32_t>(rsh(static_cast<std::int64_t>(power), 32));
    power = mul_q62(power, step);
  }
  return table;
}

// e^(-1/64) by its series, then sigmoid(i/64) = 1 / (1 + e^(-i/64)).
constexpr std::array<std::int32_t, kSigmoidEntries> make_sigmoid() {
  std::uint64_t step = 0;
  std::uint64_t term = kOneQ62;
  for (std::uint64_t n = 1; term != 0; ++n) {
    step = n % 2 == 1 ? step + term : step - term;
    term /= 64 * n;
  }
  std::array<std::int32_t, kSigmoidEntries> table{};
  std::uint64_t power = kOneQ62;
  for (auto& entry : table) {
    const std::uint64_t divisor = kOneQ62 + power;
    const u128 scaled = (static_cast<u128>(kOneQ62) << 28) + divisor / 2;
    entry = static_cast<std::int32_t>(static_cast<std::uint64_t>(scaled / divisor));
    power = mul_q62(power, step);
  }
  table[1024] = table[1025] = 1 << 28;  // past 16 the function is x or 0
  return table;
}

// sigmoid(t) in Q28 for t in Q40, t below 88: e^-t is the 2^16th power of e^(-t / 2^16), whose
// series is short.
constexpr std::int32_t sigmoid_of(std::uint64_t t) {
  const std::uint64_t x = t << 6;  // t / 2^16 in Q62
  std::uint64_t power = 0;
  std::uint64_t term = kOneQ62;
  for (std::uint64_t n = 1; term != 0; ++n) {
    power = n % 2 == 1 ? power + term : power - term;
    term = mul_q62(term, x) / n;
  }
  for (int i = 0; i < 16; ++i) power = mul_q62(power, power);
  const std::uint64_t divisor = kOneQ62 + power;
  const u128 scaled = (static_cast<u128>(kOneQ62) << 28) + divisor / 2;
  return static_cast<std::int32_t>(static_cast<std::uint64_t>(scaled / divisor));
}

// 2 sqrt(2/pi) = 1.59576912160573... and 0.044715 in Q40. Past i = 640 (x = 10) the argument is
// above 88 and the function is 1 in Q28.
constexpr std::array<std::int32_t, kSigmoidEntries> make_gelu() {
  constexpr u128 kFactorQ40 = 1754566704451u;
  constexpr u128 kCubicQ40 = 49164662436u;
  std::array<std::int32_t, kSigmoidEntries> table{};
  for (std::uint64_t i = 0; i < table.size(); ++i) {
    const u128 cube = kCubicQ40 * (i * i * i) >> 18;
    const u128 inner = (static_cast<u128>(i) << 34) + cube;
    const u128 t = kFactorQ40 * inner >> 40;
    table[i] = i >= 640 ? 1 << 28 : sigmoid_of(static_cast<std::uint64_t>(t));
  }
  return table;
}

constexpr auto kExp2 = make_exp2();
constexpr auto kGelu = make_gelu();
constexpr auto kSigmoid = make_sigmoid();

}  // namespace

const std::int32_t* exp2_table() { return kExp2.data(); }
const std::int32_t* sigmoid_table() { return kSigmoid.data(); }
const std::int32_t* gelu_table() { return kGelu.data(); }

}  // namespace orrery::gpu::exact

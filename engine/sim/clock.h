// A node's clocks as functions of virtual time. Plain data; the host of the node owns it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/integer.h"
#include "engine/sim/options.h"

namespace orrery::sim {

class ClockModel {
 public:
  static constexpr std::int64_t kBillion = 1'000'000'000;

  ClockModel(Duration offset, std::int64_t drift_ppb)
      : offset_(offset), rate_(kBillion + drift_ppb) {
    ENSURE(drift_ppb >= -kBillion / 10 && drift_ppb <= kBillion / 10, "drift is at most 10 %");
  }

  void boot(Time now) { booted_ = now; }
  // floor(time since boot * rate): 0 at boot.
  Time mono(Time now) const { return Time{scale((now - booted_).ns)}; }
  Time wall(Time now) const { return Time{kWallOrigin + scale(now.ns)} + offset_ + total_shift(); }
  // The first virtual time at which mono() >= `at`; not before `now`.
  Time virtual_of(Time at, Time now) const {
    const i128 numerator = static_cast<i128>(at.ns) * kBillion;
    if (numerator <= 0) return now;
    const i128 since_boot = (numerator + rate_ - 1) / rate_;
    const i128 t = since_boot + booted_.ns;
    if (t >= kNever.ns) return kNever;
    return std::max(now, Time{static_cast<std::int64_t>(t)});
  }

  void add_shift(std::uint32_t fault, Duration shift) { shifts_.emplace_back(fault, shift); }
  void remove_shift(std::uint32_t fault) {
    std::erase_if(shifts_, [&](const auto& s) { return s.first == fault; });
  }

 private:
  std::int64_t scale(std::int64_t ns) const {
    return static_cast<std::int64_t>(static_cast<i128>(ns) * rate_ / kBillion);
  }
  Duration total_shift() const {
    Duration sum{};
    for (const auto& [fault, shift] : shifts_) sum = sum + shift;
    return sum;
  }

  Duration offset_;
  std::int64_t rate_;  // nanoseconds shown for a second of virtual time
  Time booted_{};
  std::vector<std::pair<std::uint32_t, Duration>> shifts_;  // of running faults
};

}  // namespace orrery::sim

// A node's clocks as functions of virtual time. Plain data; the host of the node owns it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/integer.h"
#include "engine/sim/options.h"

namespace orrery::sim {

enum class ClockFaultKind : std::uint8_t {
  kOffset,   // the wall clock is off by `offset` while it lasts
  kStep,     // the wall clock jumps by `offset` and stays there
  kSlew,     // it jumps by `offset` and is brought back evenly over `lasts`
  kDrift,    // both clocks run fast by `drift_ppb`; put right at the end. The claim says nothing
  kNtpLoss,  // the same, but the claimed error grows by |drift_ppb| as the truth does
  kClaim,    // the claimed error is `error`, whatever the truth
};

struct ClockFault {
  ClockFaultKind kind = ClockFaultKind::kOffset;
  Duration offset{};
  std::int64_t drift_ppb = 0;  // |drift| <= 1e8; of all faults and the clock's own, too
  Duration error{};
  Duration lasts{};  // kSlew: above 0
  bool operator==(const ClockFault&) const = default;
};

class ClockModel {
 public:
  static constexpr std::int64_t kBillion = 1'000'000'000;
  static constexpr std::int64_t kMaxDrift = kBillion / 10;

  ClockModel(Duration offset, std::int64_t drift_ppb, Duration claim)
      : offset_(offset), claim_(claim), own_drift_(drift_ppb), rate_(kBillion + drift_ppb) {
    ENSURE(drift_ppb >= -kMaxDrift && drift_ppb <= kMaxDrift, "drift is at most 10 %");
  }

  void boot(Time now) { mono_ = {now, 0}; }
  // floor(time since boot * rate): 0 at boot.
  Time mono(Time now) const { return Time{mono_.at(now, rate_)}; }
  Time wall(Time now) const {
    return Time{kWallOrigin + wall_.at(now, rate_)} + offset_ + total_shift(now);
  }
  // The claimed bound of |wall - truth|; true or not.
  Duration error(Time now) const {
    Duration grown = claim_;
    for (const Running& r : faults_) {
      if (r.spec.kind == ClockFaultKind::kClaim) return r.spec.error;
      if (r.spec.kind == ClockFaultKind::kNtpLoss) {
        grown = grown + Duration{scale(now - r.begin, std::abs(r.spec.drift_ppb))};
      }
    }
    return grown;
  }
  // The first virtual time at which mono() >= `at`; not before `now`.
  Time virtual_of(Time at, Time now) const {
    const i128 numerator = static_cast<i128>(at.ns - mono_.shown) * kBillion;
    if (numerator <= 0) return now;
    const i128 t = (numerator + rate_ - 1) / rate_ + mono_.since.ns;
    if (t >= kNever.ns) return kNever;
    return std::max(now, Time{static_cast<std::int64_t>(t)});
  }

  // True if the clocks run at another rate from now on: instants of timers have moved.
  bool begin(std::uint32_t fault, const ClockFault& spec, Time now) {
    if (spec.kind == ClockFaultKind::kStep) {
      offset_ = offset_ + spec.offset;
      return false;
    }
    faults_.push_back({fault, spec, now});
    return set_rate(now);
  }
  bool end(std::uint32_t fault, Time now) {
    for (const Running& r : faults_) {
      if (r.fault != fault || !drifts(r.spec)) continue;
      wall_.shown -= scale(now - r.begin, r.spec.drift_ppb);  // the wall clock is set right
    }
    std::erase_if(faults_, [&](const Running& r) { return r.fault == fault; });
    return set_rate(now);
  }

 private:
  struct Running {
    std::uint32_t fault;
    ClockFault spec;
    Time begin;
  };
  // A clock that showed `shown` at `since` and has run at one rate from then on.
  struct Line {
    Time since{};
    std::int64_t shown = 0;
    std::int64_t at(Time now, std::int64_t rate) const { return shown + scale(now - since, rate); }
  };

  static std::int64_t scale(Duration time, std::int64_t parts_per_billion) {
    return static_cast<std::int64_t>(static_cast<i128>(time.ns) * parts_per_billion / kBillion);
  }
  static bool drifts(const ClockFault& spec) {
    return spec.kind == ClockFaultKind::kDrift || spec.kind == ClockFaultKind::kNtpLoss;
  }

  bool set_rate(Time now) {
    std::int64_t drift = own_drift_;
    for (const Running& r : faults_) {
      if (drifts(r.spec)) drift += r.spec.drift_ppb;
    }
    ENSURE(drift >= -kMaxDrift && drift <= kMaxDrift, "drifts add up to more than 10 %");
    if (kBillion + drift == rate_) return false;
    mono_ = {now, mono_.at(now, rate_)};
    wall_ = {now, wall_.at(now, rate_)};
    rate_ = kBillion + drift;
    return true;
  }

  Duration total_shift(Time now) const {
    Duration sum{};
    for (const Running& r : faults_) {
      if (r.spec.kind == ClockFaultKind::kOffset) sum = sum + r.spec.offset;
      if (r.spec.kind == ClockFaultKind::kSlew && now < r.begin + r.spec.lasts) {
        const i128 left = (r.begin + r.spec.lasts - now).ns;
        const i128 shift = static_cast<i128>(r.spec.offset.ns) * left / r.spec.lasts.ns;
        sum = sum + Duration{static_cast<std::int64_t>(shift)};
      }
    }
    return sum;
  }

  Duration offset_;
  Duration claim_;
  std::int64_t own_drift_;
  std::int64_t rate_;  // nanoseconds shown for a second of virtual time
  Line mono_, wall_;
  std::vector<Running> faults_;
};

}  // namespace orrery::sim

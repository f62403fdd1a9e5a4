// Who may knock: hosts and origins against DNS rebinding and foreign pages, and a rate for each
// address. Pure but for the table of rates; time is passed in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "engine/base/time.h"

namespace orrery::testnet {

// Whether a Host header names this machine by number or as localhost. A name of somebody's domain
// is refused: a page of that domain could have been pointed at us.
bool host_allowed(std::string_view host);
// Whether an Origin header (empty: absent) is that of the page that we serve under `host`.
bool origin_allowed(std::string_view origin, std::string_view host);

// A bucket of tokens for each address: a burst of one second's worth, refilled all the time.
class RateLimiter {
 public:
  static constexpr std::size_t kMaxAddresses = 4096;  // tracked; the idle ones are forgotten first

  explicit RateLimiter(std::uint32_t per_second) : per_second_(per_second) {}
  // False if the address is over its rate. A call of `cost` above 1 may leave a debt.
  bool allow(const std::string& address, Time now);
  void charge(const std::string& address, std::uint64_t cost);
  std::size_t addresses() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens = 0;
    Time filled{};
  };
  Bucket& bucket(const std::string& address, Time now);
  void forget_idle(Time now);

  std::uint32_t per_second_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace orrery::testnet

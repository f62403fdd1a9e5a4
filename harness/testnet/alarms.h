// Calls at an instant, on a loop: what the supervisor waits for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/time.h"

namespace boost::asio {
class io_context;
}

namespace orrery::testnet {

// UTC, nanoseconds since the Unix epoch.
std::int64_t utc_now_ns();
// "2026-11-21T10:00:00.123Z", as log lines begin.
std::string utc_stamp(std::int64_t utc_ns);

class Alarms {
 public:
  explicit Alarms(boost::asio::io_context& loop);
  ~Alarms();  // what is still to come does not come
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;

  std::uint64_t after(Duration delay, std::function<void()> call);
  // At once if the instant has passed.
  std::uint64_t at_utc(std::int64_t utc_ns, std::function<void()> call);
  void cancel(std::uint64_t alarm);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace orrery::testnet

#include "harness/testnet/alarms.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>

namespace orrery::testnet {

namespace asio = boost::asio;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

std::int64_t utc_now_ns() {
  return duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string utc_stamp(std::int64_t utc_ns) {
  const std::int64_t ms = utc_ns / 1'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000);
}

class Alarms::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(asio::io_context& loop) : loop_(loop) {}

  std::uint64_t after(Duration delay, std::function<void()> call) {
    const std::uint64_t id = next_++;
    asio::steady_timer& timer = timers_.try_emplace(id, loop_).first->second;
    timer.expires_after(nanoseconds(std::max<std::int64_t>(delay.ns, 0)));
    timer.async_wait([self = shared_from_this(), id,
                      call = std::move(call)](const boost::system::error_code& error) {
      if (error || self->timers_.erase(id) == 0) return;
      call();
    });
    return id;
  }
  void cancel(std::uint64_t id) { timers_.erase(id); }
  void clear() { timers_.clear(); }

 private:
  asio::io_context& loop_;
  std::map<std::uint64_t, asio::steady_timer> timers_;
  std::uint64_t next_ = 1;
};

Alarms::Alarms(asio::io_context& loop) : impl_(std::make_shared<Impl>(loop)) {}
Alarms::~Alarms() { impl_->clear(); }

std::uint64_t Alarms::after(Duration delay, std::function<void()> call) {
  return impl_->after(delay, std::move(call));
}
std::uint64_t Alarms::at_utc(std::int64_t utc_ns, std::function<void()> call) {
  return impl_->after(Duration{utc_ns - utc_now_ns()}, std::move(call));
}
void Alarms::cancel(std::uint64_t alarm) { impl_->cancel(alarm); }

}  // namespace orrery::testnet

// Supervisor and guard watch each other: a supervisor that dies is started again by its guard, a
// guard that dies by its supervisor. Only when both are killed at once a hand is needed (orrery
// start). A supervisor that ends on purpose says so first.
#pragma once

#include "engine/base/result.h"
#include "harness/testnet/alarms.h"
#include "harness/testnet/descriptor.h"
#include "harness/testnet/supervisor.h"

namespace orrery::testnet {

// The supervisor's side. Its loop's owner calls reap() at SIGCHLD.
class Guard {
 public:
  static constexpr Duration kPause = Duration::millis(50);  // before one that died starts again

  Guard(boost::asio::io_context& loop, SupervisorOptions options);

  Status start();
  int pid() const { return pid_; }
  void reap();
  // The supervisor ends on purpose: the guard goes first. Returns once it is gone.
  void dismiss();

 private:
  Alarms alarms_;
  SupervisorOptions options_;
  int pid_ = 0;
  Descriptor line_;
};

// The guard's process: waits until the supervisor on the line `options.control_fd` is gone, then
// starts another, at most kMaxTries times, and leaves the network to that one and its own guard.
inline constexpr int kMaxTries = 5;
Status run_guard(const SupervisorOptions& options);

}  // namespace orrery::testnet

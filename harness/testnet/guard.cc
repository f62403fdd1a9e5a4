#include "harness/testnet/guard.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "harness/testnet/child.h"
#include "harness/testnet/control.h"
#include "harness/testnet/home.h"
#include "harness/testnet/launch.h"

namespace orrery::testnet {
namespace {

constexpr char kFarewell = '.';  // the one byte of a supervisor that ends on purpose

// Whether the line's other side ended without a farewell.
bool was_left(int line) {
  char byte = 0;
  ssize_t got = 0;
  while ((got = ::read(line, &byte, 1)) < 0 && errno == EINTR) {
  }
  return got != 1 || byte != kFarewell;
}

}  // namespace

Guard::Guard(boost::asio::io_context& loop, SupervisorOptions options)
    : alarms_(loop), options_(std::move(options)) {}

Status Guard::start() {
  ASSIGN_OR_RETURN(const Child child, spawn({.command = command_line("guard", options_),
                                             .log = Home(options_.home).log("supervisor")}));
  pid_ = child.pid;
  line_.reset(child.control);
  return {};
}

void Guard::reap() {
  if (pid_ == 0 || ::waitpid(pid_, nullptr, WNOHANG) != pid_) return;
  pid_ = 0;
  line_.reset();
  alarms_.after(kPause, [this] {
    if (const Status started = start(); !started) {
      fmt::print(stderr, "no guard: {}\n", started.error().message);
    }
  });
}

void Guard::dismiss() {
  if (pid_ == 0) return;
  (void)!::write(line_.get(), &kFarewell, 1);
  line_.reset();
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

Status run_guard(const SupervisorOptions& options) {
  // What ends a supervisor on purpose is not meant for its guard.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) std::signal(signal, SIG_IGN);
  {
    const Descriptor line(options.control_fd);
    if (!was_left(line.get())) return {};
  }
  const Home home(options.home);
  wait_until_unlocked(home);
  SupervisorOptions next = options;
  next.resume = true;
  Duration pause = Duration::millis(100);
  for (int tries = 1;; ++tries) {
    const Status launched = launch_supervisor(next);
    fmt::print(stderr, "the supervisor died; {}\n",
               launched ? "another one runs now" : launched.error().message);
    if (launched || tries == kMaxTries) return launched;
    std::this_thread::sleep_for(std::chrono::nanoseconds(pause.ns));
    pause = Duration{pause.ns * 2};
  }
}

}  // namespace orrery::testnet

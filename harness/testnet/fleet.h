// The processes of a live network: one a node, started, ended, hurt and started again. What nodes
// say about themselves is kept here; whoever waits for something is called at each change.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "harness/testnet/alarms.h"
#include "harness/testnet/child.h"
#include "harness/testnet/home.h"
#include "harness/testnet/line_channel.h"

namespace orrery::testnet {

enum class NodeState : std::uint8_t {
  kDown,      // not running, and not meant to (stopped, or by a fault of the timeline)
  kStarting,  // the process runs; the node has not said that it is ready
  kUp,
  kPaused,    // SIGSTOP
  kWaiting,   // died; starts again after a pause
  kFailed,    // died too often in a row before it was ready; see its log
};
const char* to_string(NodeState state);

struct NodeStatus {
  NodeState state = NodeState::kDown;
  int pid = 0;
  std::uint64_t height = 0;
  std::uint64_t finalized = 0;
  std::uint64_t peers = 0;
  std::uint32_t starts = 0;
  std::string last_exit;  // "killed by signal 9", "exit code 3"; empty: never ended
};

class Fleet {
 public:
  static constexpr Duration kFirstPause = Duration::millis(100);  // before a restart; doubles up to
  static constexpr Duration kMaxPause = Duration::seconds(5);
  static constexpr std::uint32_t kMaxFailures = 5;  // in a row without becoming ready
  static constexpr std::size_t kMaxBehind = 1 << 20;  // bytes of orders; above it, load is dropped
  static constexpr Duration kStopTime = Duration::seconds(10);  // SIGTERM, then SIGKILL

  struct Options {
    Home home{""};
    std::string program;
    NetworkFile network;
  };

  Fleet(boost::asio::io_context& loop, Options options, std::function<void()> on_change);
  ~Fleet();

  std::size_t size() const { return members_.size(); }
  const NodeStatus& status(std::size_t node) const { return members_[node].status; }
  bool wanted(std::size_t node) const { return members_[node].wanted; }  // meant to run
  const NodePlace& place(std::size_t node) const { return options_.network.nodes[node]; }

  // Meant to run from now on: what another supervisor would start if this one died before it could.
  void want(std::size_t node) { members_[node].wanted = true; }
  void start(std::size_t node);
  void stop(std::size_t node);  // SIGTERM; stays down
  // kill -9. `wipe`: its disk is gone too. Starts again after `restart_after`; kNever: stays down.
  void kill(std::size_t node, bool wipe, Duration restart_after);
  void pause(std::size_t node);
  void resume(std::size_t node);
  // A JSON object for the node's process; repeated at each start if `key` is not empty (the newest
  // of a key counts), so that a restarted node is told what still holds.
  void tell(std::size_t node, const std::string& key, const std::string& order);
  // False: the node is not up, or too far behind with what it was told.
  bool listens(std::size_t node) const;
  // All processes have ended.
  bool all_down() const;
  // A child has ended (SIGCHLD).
  void reap();

 private:
  struct Member {
    NodeStatus status;
    std::unique_ptr<LineChannel> channel;
    bool wanted = false;        // meant to run
    bool wipe = false;          // once it has ended
    Duration restart_after{};   // once it has ended, if wanted
    Duration pause = kFirstPause;
    std::uint32_t failures = 0;  // starts in a row that did not become ready
    std::uint64_t alarm = 0;
    std::vector<std::pair<std::string, std::string>> standing;  // orders by key
  };

  void on_line(std::size_t node, const std::string& line);
  void on_exit(std::size_t node, int wait_status);
  void schedule_start(std::size_t node, Duration delay);

  boost::asio::io_context& loop_;
  Alarms alarms_;
  Options options_;
  std::function<void()> on_change_;
  std::vector<Member> members_;
};

}  // namespace orrery::testnet

#include "harness/testnet/fleet.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace orrery::testnet {

using nlohmann::json;

const char* to_string(NodeState state) {
  switch (state) {
    case NodeState::kDown: return "down";
    case NodeState::kStarting: return "starting";
    case NodeState::kUp: return "up";
    case NodeState::kPaused: return "paused";
    case NodeState::kWaiting: return "restarting";
    case NodeState::kFailed: return "failed";
  }
  return "?";
}

Fleet::Fleet(boost::asio::io_context& loop, Options options, std::function<void()> on_change)
    : loop_(loop),
      alarms_(loop),
      options_(std::move(options)),
      on_change_(std::move(on_change)),
      members_(options_.network.nodes.size()) {}

Fleet::~Fleet() {
  for (Member& member : members_) {
    if (member.status.pid != 0) ::kill(member.status.pid, SIGKILL);
  }
}

void Fleet::start(std::size_t node) {
  Member& member = members_[node];
  member.wanted = true;
  if (member.status.pid != 0) return;
  if (member.alarm != 0) alarms_.cancel(std::exchange(member.alarm, 0));
  const NodePlace& at = place(node);
  const std::string config = options_.home.config("nodes/" + at.name + ".json");
  std::vector<std::string> command;
  if (options_.network.provider == "netns") command = {"ip", "netns", "exec", at.netns};
  for (const std::string& word :
       {options_.program, std::string("node"), std::string("--config"), config,
        std::string("--control-fd"), std::to_string(kControlFd)}) {
    command.push_back(word);
  }
  const auto child = spawn({.command = std::move(command), .log = options_.home.log(at.name)});
  ++member.status.starts;
  if (!child) {
    member.status.last_exit = child.error().message;
    member.status.state = NodeState::kFailed;
    return on_change_();
  }
  member.status.pid = child->pid;
  member.status.state = NodeState::kStarting;
  member.channel = std::make_unique<LineChannel>(
      loop_, child->control, [this, node](const std::string& line) { on_line(node, line); },
      [] {});  // its end comes as SIGCHLD
  for (const auto& [key, order] : member.standing) member.channel->send(order);
  on_change_();
}

void Fleet::stop(std::size_t node) {
  Member& member = members_[node];
  member.wanted = false;
  member.wipe = false;
  if (member.alarm != 0) alarms_.cancel(std::exchange(member.alarm, 0));
  if (member.status.pid == 0) {
    member.status.state = NodeState::kDown;
    return on_change_();
  }
  const pid_t pid = member.status.pid;
  ::kill(pid, SIGTERM);
  ::kill(pid, SIGCONT);
  member.alarm = alarms_.after(kStopTime, [this, node, pid] {
    members_[node].alarm = 0;
    if (members_[node].status.pid == pid) ::kill(pid, SIGKILL);
  });
}

void Fleet::kill(std::size_t node, bool wipe, Duration restart_after) {
  Member& member = members_[node];
  member.wipe = wipe;
  member.wanted = restart_after.ns != kNever.ns;
  member.restart_after = restart_after;
  if (member.status.pid != 0) {
    ::kill(member.status.pid, SIGKILL);
  } else {
    on_exit(node, 0);
  }
}

void Fleet::pause(std::size_t node) {
  NodeStatus& status = members_[node].status;
  if (status.pid == 0 || ::kill(status.pid, SIGSTOP) != 0) return;
  status.state = NodeState::kPaused;
  on_change_();
}

void Fleet::resume(std::size_t node) {
  NodeStatus& status = members_[node].status;
  if (status.state != NodeState::kPaused || ::kill(status.pid, SIGCONT) != 0) return;
  status.state = NodeState::kUp;
  on_change_();
}

void Fleet::tell(std::size_t node, const std::string& key, const std::string& order) {
  Member& member = members_[node];
  if (!key.empty()) {
    std::erase_if(member.standing, [&](const auto& item) { return item.first == key; });
    member.standing.emplace_back(key, order);
  }
  if (member.channel) member.channel->send(order);
}

bool Fleet::listens(std::size_t node) const {
  const Member& member = members_[node];
  return member.status.state == NodeState::kUp && member.channel->queued() < kMaxBehind;
}

bool Fleet::all_down() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const Member& m) { return m.status.pid == 0; });
}

void Fleet::reap() {
  for (std::size_t node = 0; node < members_.size(); ++node) {
    int status = 0;
    const pid_t pid = members_[node].status.pid;
    if (pid != 0 && ::waitpid(pid, &status, WNOHANG) == pid) {
      NodeStatus& s = members_[node].status;
      s.last_exit = WIFSIGNALED(status) ? fmt::format("killed by signal {}", WTERMSIG(status))
                                        : fmt::format("exit code {}", WEXITSTATUS(status));
      on_exit(node, status);
    }
  }
}

void Fleet::on_line(std::size_t node, const std::string& line) {
  Member& member = members_[node];
  const json message = json::parse(line, nullptr, false);
  if (!message.is_object()) return;
  const std::string type = message.value("type", "");
  NodeStatus& status = member.status;
  if (type == "ready") {
    status.state = NodeState::kUp;
    member.failures = 0;
    member.pause = kFirstPause;
  }
  status.height = message.value("height", status.height);
  status.finalized = message.value("finalized", status.finalized);
  status.peers = message.value("peers", status.peers);
  on_change_();
}

void Fleet::on_exit(std::size_t node, int wait_status) {
  Member& member = members_[node];
  const bool never_ready = member.status.state == NodeState::kStarting;
  member.status.pid = 0;
  member.status.peers = 0;
  member.channel.reset();
  if (member.alarm != 0) alarms_.cancel(std::exchange(member.alarm, 0));
  if (std::exchange(member.wipe, false)) {
    std::error_code ignored;
    std::filesystem::remove_all(options_.home.data(place(node).name), ignored);
  }
  member.status.state = NodeState::kDown;
  const Duration after = std::exchange(member.restart_after, Duration{});
  if (after.ns != 0 && member.wanted) {
    schedule_start(node, after);
  } else if (member.wanted && options_.network.restart) {
    // Killed from outside, it starts again at once; what cannot start waits longer each time.
    if (never_ready && !WIFSIGNALED(wait_status)) ++member.failures;
    if (member.failures >= kMaxFailures) {
      member.status.state = NodeState::kFailed;
    } else {
      schedule_start(node, member.pause);
      if (member.failures > 0) {
        member.pause = std::min(Duration{member.pause.ns * 2}, kMaxPause);
      }
    }
  } else if (member.wanted) {
    member.status.state = NodeState::kFailed;
  }
  on_change_();
}

void Fleet::schedule_start(std::size_t node, Duration delay) {
  members_[node].status.state = NodeState::kWaiting;
  members_[node].alarm = alarms_.after(delay, [this, node] {
    members_[node].alarm = 0;
    if (members_[node].wanted) start(node);
  });
}

}  // namespace orrery::testnet

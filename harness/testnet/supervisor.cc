#include "harness/testnet/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <filesystem>
#include <list>
#include <nlohmann/json.hpp>

#include "harness/run/network.h"
#include "harness/run/replay_file.h"
#include "harness/testnet/control.h"
#include "harness/testnet/descriptor.h"
#include "harness/testnet/drill.h"
#include "harness/testnet/former_life.h"
#include "harness/testnet/guard.h"
#include "harness/testnet/honours.h"
#include "harness/testnet/netns.h"
#include "harness/testnet/ports.h"
#include "harness/testnet/process.h"
#include "reports/record/write.h"

namespace orrery::testnet {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using asio::local::stream_protocol;

constexpr std::uint16_t kNetnsPort = 26656;
// Time for processes to open their disks before slot 0: nothing is lost if they are slower.
constexpr Duration kGenesisDelay = Duration::millis(300);

json refusal(const Error& error) {
  const int code = error.code == ErrorCode::kIo || error.code == ErrorCode::kUnsupported ? 3 : 2;
  return {{"ok", false}, {"error", error.message}, {"code", code}};
}
json refusal(const std::string& why) { return {{"ok", false}, {"error", why}, {"code", 2}}; }

class Supervisor {
 public:
  explicit Supervisor(const SupervisorOptions& options)
      : options_(options),
        home_(options.home),
        signals_(loop_),
        children_(loop_, SIGCHLD),
        acceptor_(loop_),
        alarms_(loop_),
        guard_(loop_, options) {}

  ~Supervisor() {
    if (owner_) remove_netns(home_, network_);
  }

  Status open() {
    TRY(take_lock());
    owner_ = true;
    former_ = read_former_life(home_);
    end_processes(home_, former_);
    ASSIGN_OR_RETURN(network_, home_.read_network());
    ASSIGN_OR_RETURN(scenario_, home_.read_scenario());
    if (network_.provider == "netns") {
      TRY(make_netns(home_, scenario_, network_.shaping, network_));
    }
    TRY(reserve_ports());
    for (const std::string& name : options_.only) {
      if (!network_.find(name)) return fail(ErrorCode::kInvalidArgument, "no node " + name);
    }
    if (network_.genesis_time_ns == 0) {
      network_.genesis_time_ns = (utc_now_ns() + kGenesisDelay.ns) / 1'000'000 * 1'000'000;
    }
    TRY(home_.write_network(network_));
    for (const NodePlace& node : network_.nodes) {
      TRY(report::write_file_atomically(home_.config("nodes/" + node.name + ".json"),
                                        node_config_json(node.name)));
    }
    ASSIGN_OR_RETURN(const int fd, listen_at(home_));
    acceptor_.assign(stream_protocol(), fd);
    fleet_.emplace(loop_,
                   Fleet::Options{.home = home_,
                                  .program = options_.program,
                                  .network = network_},
                   [this] { changed(); });
    drill_.emplace(loop_, home_, scenario_, network_.genesis_time_ns, *fleet_);
    if (options_.resume) drill_->set_load_rate(former_.load_rate);
    return guard_.start();
  }

  Status run() {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
    signals_.async_wait([this](boost::system::error_code error, int) {
      if (!error) end();
    });
    wait_for_children();
    accept();
    std::vector<std::size_t> to_start;
    for (std::size_t i = 0; i < fleet_->size(); ++i) {
      const std::string& name = network_.nodes[i].name;
      if (chosen(name) && !was_ended(name)) to_start.push_back(i);
    }
    for (const std::size_t node : to_start) fleet_->want(node);
    for (const std::size_t node : to_start) fleet_->start(node);
    if (options_.timeline) drill_->start_timeline();
    if (options_.load) TRY(drill_->start_load());
    loop_.run();
    guard_.dismiss();
    std::error_code ignored;
    std::filesystem::remove(home_.process_file(), ignored);
    std::filesystem::remove(home_.socket(), ignored);
    return {};
  }

 private:
  // One command's connection; it may wait for a condition.
  struct Session {
    std::unique_ptr<LineChannel> channel;
    std::string waits_for;  // "ready", "final", "down"; empty: nothing
    std::uint64_t alarm = 0;
    bool gone = false;
  };

  Status take_lock() {
    lock_.reset(::open(home_.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!lock_.is_open()) return io_error(home_.lock());
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
      return fail(ErrorCode::kIo, home_.dir() + ": a supervisor runs this network already; "
                                                "orrery status shows it, orrery down ends it");
    }
    return {};
  }

  Status reserve_ports() {
    for (NodePlace& node : network_.nodes) {
      if (!node.netns.empty()) {  // alone on its address: nobody can take its ports
        if (node.p2p_port == 0) node.p2p_port = kNetnsPort;
        if (node.rpc_port == 0) node.rpc_port = kNetnsPort + 1;
        continue;
      }
      for (std::uint16_t* port : {&node.p2p_port, &node.rpc_port}) {
        auto reserved = ReservedPort::reserve(node.ip, *port);
        if (!reserved) {
          return fail(reserved.error().code, node.name + ": " + reserved.error().message);
        }
        *port = reserved->port();
        ports_.push_back(std::move(*reserved));
      }
    }
    return {};
  }

  bool chosen(const std::string& name) const {
    return options_.only.empty() ||
           std::find(options_.only.begin(), options_.only.end(), name) != options_.only.end();
  }

  // By an operator or by the timeline, before the supervisor before us was killed.
  bool was_ended(const std::string& name) const {
    return options_.resume &&
           std::any_of(former_.processes.begin(), former_.processes.end(),
                       [&](const auto& p) { return p.node == name && !p.wanted; });
  }

  void wait_for_children() {
    children_.async_wait([this](boost::system::error_code error, int) {
      if (error) return;
      fleet_->reap();
      guard_.reap();
      wait_for_children();
    });
  }

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, stream_protocol::socket socket) {
      if (error) return;
      sessions_.emplace_back();
      Session& session = sessions_.back();
      session.channel = std::make_unique<LineChannel>(
          loop_, socket.release(),
          [this, &session](const std::string& line) { obey(session, line); },
          [this, &session] {
            session.gone = true;
            // Not from inside its own callback.
            asio::post(loop_, [this] { sessions_.remove_if([](auto& s) { return s.gone; }); });
          });
      accept();
    });
  }

  void answer(Session& session, const json& value) {
    if (session.alarm != 0) alarms_.cancel(std::exchange(session.alarm, 0));
    session.waits_for.clear();
    session.channel->send(value.dump());
  }

  void obey(Session& session, const std::string& line) {
    const json order = json::parse(line, nullptr, false);
    if (!order.is_object()) return answer(session, refusal("an order is a JSON object"));
    const std::string what = order.value("do", "");
    if (what == "wait" || what == "down") {
      session.waits_for = what == "down" ? "down" : order.value("for", "final");
      const Duration timeout = Duration::millis(order.value("timeout_ms", std::int64_t{60'000}));
      session.alarm = alarms_.after(timeout, [this, &session] {
        session.alarm = 0;
        answer(session, {{"ok", false}, {"error", "not in time"}, {"code", 4},
                         {"nodes", nodes_json()}});
      });
      if (what == "down") end();
      return changed();
    }
    try {
      answer(session, do_now(what, order));
    } catch (const json::exception& error) {
      answer(session, refusal(error.what()));
    }
  }

  json do_now(const std::string& what, const json& order) {
    if (what == "status") return status_json();
    if (what == "fault") return add_fault(order.at("item"));
    if (what == "clear") {
      if (drill_->clear(order.at("fault"))) return {{"ok", true}};
      return refusal("no fault of that name runs");
    }
    if (what == "load") {
      drill_->set_load_rate(order.at("rate").get<double>());
      write_process_file();
      return {{"ok", true}, {"rate", drill_->load_rate()}};
    }
    std::vector<std::size_t> nodes;
    for (const json& name : order.at("nodes")) {
      const NodePlace* place = network_.find(name.get<std::string>());
      if (!place) return refusal("no node " + name.get<std::string>());
      nodes.push_back(static_cast<std::size_t>(place - network_.nodes.data()));
    }
    if (order.at("nodes").empty()) {
      for (std::size_t i = 0; i < fleet_->size(); ++i) nodes.push_back(i);
    }
    for (const std::size_t node : nodes) {
      if (what == "start") {
        fleet_->start(node);
      } else if (what == "stop") {
        fleet_->stop(node);
      } else if (what == "kill") {
        fleet_->kill(node, false, Duration{});
      } else if (what == "pause") {
        fleet_->pause(node);
      } else if (what == "resume") {
        fleet_->resume(node);
      } else {
        return refusal("no order '" + what + "'");
      }
    }
    return {{"ok", true}};
  }

  // The item is loaded as the one item of the scenario's timeline, by the scenario's own loader.
  json add_fault(const std::string& item) {
    auto file = run::read_replay_file(home_.config("scenario.json"));
    if (!file) return refusal(file.error());
    file->options.overrides.push_back({"timeline", "[{at: t+0s, " + item + "}]"});
    const auto loaded = run::load_replay(*file, "the fault");
    if (!loaded) return refusal(loaded.error());
    scenario::FaultSpec fault = loaded->timeline.at(0);
    if (const Status can = can_honour(fault); !can) return refusal(can.error());
    const auto default_name = [&] {
      return fmt::format("{}-{}", run::fault_name(fault.kind), fault.id);
    };
    const bool named = fault.name != default_name();
    fault.id = drill_->next_id();
    if (!named) fault.name = default_name();
    drill_->begin(fault);
    return {{"ok", true}, {"fault", fault.name}};
  }

  json nodes_json() const {
    json nodes = json::array();
    for (std::size_t i = 0; i < fleet_->size(); ++i) {
      const NodePlace& place = network_.nodes[i];
      const NodeStatus& s = fleet_->status(i);
      nodes.push_back({{"name", place.name},
                       {"role", place.role},
                       {"state", to_string(s.state)},
                       {"pid", s.pid == 0 ? json() : json(s.pid)},
                       {"rpc", place.rpc()},
                       {"p2p", place.p2p()},
                       {"height", s.height},
                       {"finalized_height", s.finalized},
                       {"peers", s.peers},
                       {"starts", s.starts},
                       {"last_exit", s.last_exit}});
    }
    return nodes;
  }

  json status_json() const {
    json faults = json::array();
    for (const auto& [id, fault] : drill_->running()) {
      faults.push_back({{"name", fault.spec.name},
                        {"kind", run::fault_name(fault.spec.kind)},
                        {"since_ns", fault.begin_ns}});
    }
    return {{"ok", true},
            {"scenario", scenario_.name},
            {"genesis_time_ns", network_.genesis_time_ns},
            {"supervisor", ::getpid()},
            {"nodes", nodes_json()},
            {"faults", faults},
            {"load", {{"rate", drill_->load_rate()},
                      {"requests", drill_->requests()},
                      {"unheard", drill_->unheard()}}}};
  }

  // Something about a node is new: writes process.json and looks at who waits for what.
  void changed() {
    if (ending_ && fleet_->all_down()) {
      for (Session& session : sessions_) {
        if (session.waits_for == "down") answer(session, {{"ok", true}});
      }
      alarms_.after(Duration::millis(20), [this] { loop_.stop(); });  // the answers leave first
      return;
    }
    write_process_file();
    for (Session& session : sessions_) {
      if (session.waits_for.empty() || session.waits_for == "down") continue;
      if (const auto failed = failed_node()) {
        const std::string& name = network_.nodes[*failed].name;
        answer(session, {{"ok", false}, {"code", 6}, {"node", name},
                         {"error", name + " does not start: " +
                                       fleet_->status(*failed).last_exit}});
      } else if (holds(session.waits_for)) {
        answer(session, {{"ok", true}, {"nodes", nodes_json()},
                         {"genesis_time_ns", network_.genesis_time_ns}});
      }
    }
  }

  std::optional<std::size_t> failed_node() const {
    for (std::size_t i = 0; i < fleet_->size(); ++i) {
      if (fleet_->status(i).state == NodeState::kFailed) return i;
    }
    return std::nullopt;
  }

  bool holds(const std::string& condition) const {
    for (std::size_t i = 0; i < fleet_->size(); ++i) {
      if (!chosen(network_.nodes[i].name)) continue;
      const NodeStatus& s = fleet_->status(i);
      if (s.state != NodeState::kUp) return false;
      if (condition == "final" && s.finalized == 0) return false;
    }
    return true;
  }

  // Pids and addresses, rewritten when one changes.
  void write_process_file() {
    FormerLife life{.processes = {}, .load_rate = drill_->load_rate()};
    for (std::size_t i = 0; i < fleet_->size(); ++i) {
      const NodeStatus& s = fleet_->status(i);
      life.processes.push_back({network_.nodes[i].name, s.pid, fleet_->wanted(i)});
    }
    std::string text = encode({::getpid(), guard_.pid()}, network_, life);
    if (text == process_text_) return;
    process_text_ = std::move(text);
    (void)report::write_file_atomically(home_.process_file(), process_text_);
  }

  void end() {
    if (ending_) return;
    ending_ = true;
    for (std::size_t i = 0; i < fleet_->size(); ++i) fleet_->stop(i);
    changed();
  }

  SupervisorOptions options_;
  Home home_;
  Descriptor lock_;
  bool owner_ = false;  // of the home
  FormerLife former_;   // of a supervisor that was killed here
  NetworkFile network_;
  scenario::Scenario scenario_;
  std::vector<ReservedPort> ports_;
  asio::io_context loop_;
  asio::signal_set signals_;
  asio::signal_set children_;
  stream_protocol::acceptor acceptor_;
  Alarms alarms_;
  Guard guard_;
  std::list<Session> sessions_;
  std::optional<Fleet> fleet_;
  std::optional<Drill> drill_;
  std::string process_text_;
  bool ending_ = false;
};

}  // namespace

Status run_supervisor(const SupervisorOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  Supervisor supervisor(options);
  const Status opened = supervisor.open();
  if (options.control_fd >= 0) {
    const std::string line = (opened ? json{{"ok", true}} : refusal(opened.error())).dump() + "\n";
    (void)!::write(options.control_fd, line.data(), line.size());
    ::close(options.control_fd);
  }
  TRY(opened);
  return supervisor.run();
}

}  // namespace orrery::testnet

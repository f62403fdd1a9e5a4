#include "harness/testnet/process.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/codec.h"
#include "engine/live/host.h"
#include "harness/run/keys.h"
#include "harness/run/network.h"
#include "harness/testnet/alarms.h"
#include "harness/testnet/home.h"
#include "harness/testnet/line_channel.h"
#include "harness/testnet/rpc/server.h"
#include "protocol/types/trace_kinds.h"
#include "reports/web/live_page.h"

namespace orrery::testnet {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using nlohmann::json;

// "2026-11-21T10:00:00.123Z warn text" on standard error, which the supervisor sends to a file.
void log_line(env::LogLevel level, std::string_view text) {
  static constexpr const char* kLevels[] = {"debug", "info", "warn", "error"};
  fmt::print(stderr, "{} {} {}\n", utc_stamp(utc_now_ns()), kLevels[static_cast<int>(level)], text);
}

struct NodeFile {
  Home home{""};
  std::string name;
  bool clock_moves = false;  // live::HostOptions::clock_moves_in_handlers
};

Result<NodeFile> read_node_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kNotFound, path + ": cannot be read");
  const json value = json::parse(file, nullptr, false);
  if (!value.is_object() || value.value("schema", "") != "orrery.node/1" ||
      !value.contains("name") || !value["name"].is_string()) {
    return fail(ErrorCode::kMalformed, path + ": not a node's configuration");
  }
  const fs::path home = fs::absolute(path).parent_path().parent_path().parent_path();
  return NodeFile{Home(home.string()), value["name"].get<std::string>(),
                  value.value("clock_moves_in_handlers", false)};
}

// The process: configuration, host, RPC, and the line to the supervisor.
class Process final : public NodeView, public env::TraceSink {
 public:
  explicit Process(const ProcessOptions& options) : options_(options), signals_(loop_) {}

  Status run() {
    TRY(load());
    TRY(open());
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    signals_.async_wait([this](boost::system::error_code error, int) {
      if (!error) stop();
    });
    if (options_.control_fd >= 0) {
      // The line must not be held open by anything that this process starts.
      ::fcntl(options_.control_fd, F_SETFD, FD_CLOEXEC);
      control_ = std::make_unique<LineChannel>(
          loop_, options_.control_fd, [this](const std::string& line) { obey(line); },
          [this] { stop(); });
    }
    host_->start([this](const Error& error) {
      failure_ = error;
      stop();
    });
    TRY(serve());
    tell({{"type", "ready"}, {"height", node().chain().head().height()},
          {"finalized", node().chain().finalized_height()}});
    log_line(env::LogLevel::kInfo, fmt::format("{} at {}, rpc {}", place_.name, place_.p2p(),
                                               place_.rpc()));
    loop_.run();
    if (failure_) return tl::unexpected<Error>(*failure_);
    return {};
  }

  // NodeView
  const chain::ChainNode& node() const override { return run::chain_side(host_->node(), actor_); }
  env::Env& env() override { return host_->env(); }
  std::string name() const override { return place_.name; }
  std::string role() const override { return place_.role; }
  std::vector<ModelView> models() const override {
    std::vector<ModelView> models;
    for (const scenario::ModelSpec& m : scenario_.models) {
      models.push_back({.name = m.name,
                        .digest = inference_->digest(m.name),
                        .bytes = inference_->bytes(m.name),
                        .dim = m.dim,
                        .layers = m.layers,
                        .heads = m.heads,
                        .context = m.context});
    }
    return models;
  }
  std::vector<PeerView> peers() const override {
    std::vector<PeerView> peers;
    for (const live::PeerInfo& peer : host_->transport().peers()) {
      const auto known = names_.find(peer.key);
      peers.push_back({.name = known == names_.end() ? "" : known->second,
                       .key = to_hex(peer.key),
                       .address = peer.address.text,
                       .outbound = peer.outbound});
    }
    return peers;
  }
  std::vector<FaultView> faults() const override { return faults_; }
  NetworkCounters counters() const override {
    const live::TransportCounters& c = host_->transport().counters();
    return {c.messages_sent, c.bytes_sent, c.messages_received, c.bytes_received};
  }
  void request(chain::UserRequest request,
               std::function<void(const chain::UserReply&)> on_reply) override {
    host_->request(Buffer(chain::encode(request)),
                   [on_reply = std::move(on_reply)](const Buffer& body) {
                     const auto reply = chain::decode_user_reply(body.view());
                     ENSURE(reply.has_value(), "a node's replies decode");
                     on_reply(*reply);
                   });
  }

  // env::TraceSink: tells the supervisor how far the chain is.
  void on_trace(Time, std::uint32_t, const env::TraceEvent& event) override {
    if (event.kind == chain::kTraceHead) {
      tell({{"type", "head"}, {"height", event.n[0]}, {"peers", node().gossip().peers()}});
    } else if (event.kind == chain::kTraceFinalized) {
      tell({{"type", "final"}, {"finalized", event.n[1]}});
    }
  }

 private:
  Status load() {
    ASSIGN_OR_RETURN(const NodeFile file, read_node_file(options_.config));
    ASSIGN_OR_RETURN(network_file_, file.home.read_network());
    ASSIGN_OR_RETURN(scenario_, file.home.read_scenario());
    home_ = file.home;
    clock_moves_ = file.clock_moves;
#ifndef ORRERY_SEEDED_BUGS
    if (clock_moves_) return fail(ErrorCode::kUnsupported, "this build has no deliberate bugs");
#endif
    if (network_file_.nodes.size() != scenario_.nodes.size()) {
      return fail(ErrorCode::kMalformed, "config/network.json does not fit the scenario");
    }
    for (index_ = 0; index_ < scenario_.nodes.size(); ++index_) {
      if (scenario_.nodes[index_].name == file.name) break;
    }
    if (index_ == scenario_.nodes.size()) {
      return fail(ErrorCode::kNotFound, "the scenario has no node " + file.name);
    }
    place_ = network_file_.nodes[index_];
    actor_ = run::may_misbehave(scenario_)[index_];
    for (const scenario::NodeSpec& spec : scenario_.nodes) {
      names_[run::account_key(scenario_, spec.name).public_key().bytes] = spec.name;
    }
    ASSIGN_OR_RETURN(inference_, run::Inference::make(scenario_.models, true));
    return {};
  }

  Status open() {
    ASSIGN_OR_RETURN(const auto network, run::make_network(scenario_, *inference_,
                                                           network_file_.genesis_time_ns));
    std::vector<env::Address> bootstrap;
    for (std::size_t i = 0; i < scenario_.nodes.size(); ++i) {
      if (scenario_.nodes[i].role == scenario::Role::kBootstrap) {
        bootstrap.push_back({network_file_.nodes[i].p2p()});
      }
    }
    const chain::NodeConfig config =
        run::node_config(scenario_, network, index_, std::move(bootstrap));
    live::HostOptions options{
        .index = index_,
        .transport = {.identity_seed = config.key.secret_key().seed(),
                      .network = scenario_.chain.id + "/" +
                                 to_hex(network->genesis_block->hash).substr(0, 16),
                      .ip = place_.ip,
                      .port = place_.p2p_port},
        .data_dir = home_.data(place_.name),
        .flight_dir = network_file_.flight ? home_.flight(place_.name) : "",
        .device_class = run::device_class(scenario_, scenario_.nodes[index_].device),
        .compute = [this](const env::JobSpec& spec) { return inference_->execute(spec); },
        .log = log_line};
#ifdef ORRERY_SEEDED_BUGS
    options.clock_moves_in_handlers = clock_moves_;
#endif
    ASSIGN_OR_RETURN(host_, live::Host::open(loop_, std::move(options),
                                             run::make_node(config,
                                                            scenario_.nodes[index_].behaviour,
                                                            actor_)));
    host_->set_clock_offset(scenario_.nodes[index_].clock_offset);
    host_->add_sink(*this);
    return {};
  }

  // After the boot: what RPC shows is there then.
  Status serve() {
    ASSIGN_OR_RETURN(std::string page, report::live_page());
    ASSIGN_OR_RETURN(rpc_, RpcServer::listen(loop_,
                                             {.ip = place_.ip,
                                              .port = place_.rpc_port,
                                              .page = std::move(page)},
                                             *this));
    place_.p2p_port = host_->transport().port();
    place_.rpc_port = rpc_->port();
    host_->add_sink(*rpc_);
    return {};
  }

  void stop() {
    if (stopping_) return;
    stopping_ = true;
    if (rpc_) rpc_->close();
    host_->stop();
    asio::post(loop_, [this] { loop_.stop(); });
  }

  void tell(json message) {
    if (control_) control_->send(message.dump());
  }

  // One order of the supervisor. It is our own program: what does not parse is a bug there.
  void obey(const std::string& line) {
    const json order = json::parse(line, nullptr, false);
    if (!order.is_object()) return log_line(env::LogLevel::kError, "an order that does not parse");
    const std::string what = order.value("do", "");
    if (what == "links") {
      set_links(order.at("rules"));
    } else if (what == "clock") {
      host_->set_clock_offset(scenario_.nodes[index_].clock_offset +
                              Duration{order.at("offset_ns").get<std::int64_t>()});
    } else if (what == "behave") {
      const std::string as = order.at("as");
      host_->admin(Buffer(Bytes(as.begin(), as.end())));
    } else if (what == "request") {
      const auto body = from_hex(order.at("body").get<std::string>());
      if (body) host_->request(Buffer(*body), [](const Buffer&) {});
    } else if (what == "fault") {
      note_fault(order);
    } else if (what == "stop") {
      stop();
    }
  }

  void set_links(const json& rules) {
    live::LinkRules links;
    for (const auto& [name, rule] : rules.items()) {
      const auto key = run::account_key(scenario_, name).public_key().bytes;
      links[key] = {.blocked = rule.value("blocked", false),
                    .delay = Duration{rule.value("delay_ns", std::int64_t{0})},
                    .loss_ppm = rule.value("loss_ppm", 0u),
                    .bytes_per_second = rule.value("bytes_per_second", std::uint64_t{0})};
    }
    host_->transport().set_rules(std::move(links));
  }

  // What the page shows of the timeline; bounded, oldest first.
  void note_fault(const json& order) {
    constexpr std::size_t kMaxFaults = 256;
    const std::string name = order.at("name");
    if (!order.at("active").get<bool>()) {
      for (FaultView& fault : faults_) {
        if (fault.name != name || !fault.active) continue;
        fault.active = false;
        fault.end_ms = utc_now_ns() / 1'000'000;
      }
      return;
    }
    if (faults_.size() == kMaxFaults) faults_.erase(faults_.begin());
    faults_.push_back({.name = name,
                       .kind = order.at("kind"),
                       .active = true,
                       .begin_ms = utc_now_ns() / 1'000'000,
                       .end_ms = 0});
  }

  ProcessOptions options_;
  asio::io_context loop_;
  asio::signal_set signals_;
  Home home_{""};
  NetworkFile network_file_;
  scenario::Scenario scenario_;
  std::uint32_t index_ = 0;
  NodePlace place_;
  bool actor_ = false;
  bool clock_moves_ = false;
  std::map<env::NodeKey, std::string> names_;
  std::unique_ptr<run::Inference> inference_;
  std::unique_ptr<live::Host> host_;
  std::unique_ptr<RpcServer> rpc_;
  std::unique_ptr<LineChannel> control_;
  std::vector<FaultView> faults_;
  bool stopping_ = false;
  std::optional<Error> failure_;
};

}  // namespace

Status run_node_process(const ProcessOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  Process process(options);
  const Status ran = process.run();
  if (!ran) log_line(env::LogLevel::kError, ran.error().message);
  return ran;
}

std::string node_config_json(const std::string& node) {
  return json{{"schema", "orrery.node/1"}, {"name", node}}.dump() + "\n";
}

}  // namespace orrery::testnet

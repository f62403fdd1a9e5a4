#include "harness/testnet/replayed.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/run/keys.h"

namespace orrery::testnet {
namespace {

constexpr std::uint64_t kProgressSteps = 4096;

}  // namespace

// One node's log, its replay, and the step that comes next.
struct ReplayedNetwork::Lane final : env::TraceSink {
  Lane(ReplayedNetwork& n, std::uint32_t i, sim::FlightReplay::Factory factory)
      : net(n),
        index(i),
        reader(n.home_.flight(n.network_.nodes[i].name)),
        replay(std::move(factory), n.memo_) {
    replay.add_sink(*this);
    replay.on_send([this](Time wall, env::PeerId to, const Buffer& payload) {
      const auto peer = peers.find(to.value);
      if (peer == peers.end()) return;
      in_flight[{peer->second, payload.hash()}] = wall;
    });
  }

  void on_trace(Time wall, std::uint32_t node, const env::TraceEvent& event) override {
    const Time now{wall.ns - net.network_.genesis_time_ns};
    for (env::TraceSink* sink : net.sinks_) sink->on_trace(now, node, event);
  }

  // The next record of the log, read ahead by one.
  Result<std::optional<env::FlightRecord>> take() {
    if (ahead) return std::exchange(ahead, std::nullopt);
    return reader.next();
  }

  ReplayedNetwork& net;
  std::uint32_t index;
  live::FlightReader reader;
  sim::FlightReplay replay;
  std::optional<env::FlightRecord> ahead;
  std::optional<sim::FlightStep> next;  // nothing: the lane has ended
  std::map<std::uint32_t, std::uint32_t> peers;  // PeerId -> node, of the present life
  // By receiver and content: when it was sent. Of equal messages the last one counts, because what
  // died with a session is never seen to arrive.
  std::map<std::pair<std::uint32_t, Digest128>, Time> in_flight;
};

ReplayedNetwork::ReplayedNetwork() = default;
ReplayedNetwork::~ReplayedNetwork() = default;

Result<std::unique_ptr<ReplayedNetwork>> ReplayedNetwork::open(const Home& home) {
  std::unique_ptr<ReplayedNetwork> net(new ReplayedNetwork());
  net->home_ = home;
  ASSIGN_OR_RETURN(net->network_, home.read_network());
  ASSIGN_OR_RETURN(net->scenario_, home.read_scenario());
  ASSIGN_OR_RETURN(net->inference_, run::Inference::make(net->scenario_.models, true));
  ASSIGN_OR_RETURN(const auto chain, run::make_network(net->scenario_, *net->inference_,
                                                       net->network_.genesis_time_ns));
  const std::vector<bool> actors = run::may_misbehave(net->scenario_);
  std::vector<env::Address> bootstrap;
  for (std::size_t i = 0; i < net->scenario_.nodes.size(); ++i) {
    if (net->scenario_.nodes[i].role == scenario::Role::kBootstrap) {
      bootstrap.push_back({net->network_.nodes[i].p2p()});
    }
  }
  for (std::uint32_t i = 0; i < net->scenario_.nodes.size(); ++i) {
    const chain::NodeConfig config = run::node_config(net->scenario_, chain, i, bootstrap);
    net->lanes_.push_back(std::make_unique<Lane>(
        *net, i, [config, behaviour = net->scenario_.nodes[i].behaviour, actor = actors[i]] {
          return run::make_node(config, behaviour, actor);
        }));
    const std::string& name = net->scenario_.nodes[i].name;
    net->nodes_by_key_[run::account_key(net->scenario_, name).public_key().bytes] = i;
    net->results_.push_back({.name = name});
  }
  net->observer_ = run::make_observer(net->scenario_, *net->inference_, chain);
  net->observer_.node = [n = net.get(), actors](std::uint32_t i) -> const chain::ChainNode* {
    const env::Node* node = n->lanes_[i]->replay.node();
    return node ? &run::chain_side(*node, actors[i]) : nullptr;
  };
  std::ifstream faults(home.dir() + "/faults.jsonl");
  for (std::string line; std::getline(faults, line);) {
    const auto value = nlohmann::json::parse(line, nullptr, false);
    if (!value.is_object()) continue;
    net->faults_.push_back(
        {Time{value.at("utc_ns").get<std::int64_t>() - net->network_.genesis_time_ns},
         {.kind = value.at("active").get<bool>() ? env::kFaultBegin : env::kFaultEnd,
          .n = {value.at("id").get<std::uint64_t>(), value.at("kind").get<std::uint64_t>()}}});
  }
  return net;
}

// Reads the lane's next step: what began a handler, and its answers if the log has them.
void ReplayedNetwork::prepare(std::uint32_t node) {
  Lane& lane = *lanes_[node];
  ReplayedNode& result = results_[node];
  lane.next.reset();
  const auto record = lane.take();
  if (!record) {
    result.problem = record.error().message;
    return;
  }
  result.torn = lane.reader.torn();
  if (!*record) return;
  sim::FlightStep step;
  if (auto* boot = std::get_if<env::FlightBoot>(&**record)) {
    step.begun = *boot;
    lane.peers.clear();
  } else if (auto* heard = std::get_if<env::FlightHeard>(&**record)) {
    step.begun = std::move(*heard);
  } else if (std::holds_alternative<env::FlightStop>(**record)) {
    step.begun = env::FlightStop{};
  } else {
    result.problem = "answers that belong to no event";
    return;
  }
  auto after = lane.take();
  if (!after) {
    result.problem = after.error().message;
  } else if (*after) {
    if (auto* answered = std::get_if<env::FlightAnswered>(&**after)) {
      step.answered = std::move(*answered);
    } else {
      lane.ahead = std::move(*after);
    }
  }
  lane.next = std::move(step);
}

void ReplayedNetwork::step(std::uint32_t node) {
  Lane& lane = *lanes_[node];
  ReplayedNode& result = results_[node];
  const sim::FlightStep& step = *lane.next;
  const Time at{step.wall().ns - network_.genesis_time_ns};
  if (const auto* heard = std::get_if<env::FlightHeard>(&step.begun)) {
    last_ = std::max(last_, at);
    if (const auto* up = std::get_if<env::PeerUp>(&heard->event)) {
      const auto peer = nodes_by_key_.find(up->key);
      if (peer != nodes_by_key_.end()) lane.peers[up->peer.value] = peer->second;
    } else if (const auto* message = std::get_if<env::MessageIn>(&heard->event)) {
      ++result.messages;
      const auto from = lane.peers.find(message->from.value);
      if (on_message_ && from != lane.peers.end()) {
        auto& in_flight = lanes_[from->second]->in_flight;
        const auto sent = in_flight.find({node, message->payload.hash()});
        if (sent != in_flight.end()) {
          on_message_({.from = from->second,
                       .to = node,
                       .latency = heard->wall - sent->second,
                       .bytes = message->payload.size()});
          in_flight.erase(sent);
        }
      }
    }
  }
  const auto equal = lane.replay.execute(step);
  result.lives = lane.replay.boots();
  result.steps = lane.replay.steps();
  result.compared = lane.replay.compared();
  if (!equal) {
    result.problem = equal.error().message;
  } else if (!*equal) {
    result.difference = FlightDifference{result.steps, at, step.text()};
  }
}

void ReplayedNetwork::feed_faults(Time until) {
  for (; next_fault_ < faults_.size() && faults_[next_fault_].at <= until; ++next_fault_) {
    for (env::TraceSink* sink : sinks_) {
      sink->on_trace(faults_[next_fault_].at, env::TraceSink::kWorld, faults_[next_fault_].event);
    }
  }
}

void ReplayedNetwork::run(const std::function<void(std::uint64_t)>& progress) {
  // Lanes by the instant of their next step. A stop has none: it follows what came before it.
  std::map<std::pair<Time, std::uint32_t>, char> order;
  const auto queue = [&](std::uint32_t node, Time before) {
    prepare(node);
    const Lane& lane = *lanes_[node];
    if (!lane.next || results_[node].difference) return;
    order[{std::max(before, lane.next->wall()), node}] = 0;
  };
  for (std::uint32_t node = 0; node < lanes_.size(); ++node) queue(node, Time{});
  for (std::uint64_t steps = 0; !order.empty(); ++steps) {
    const auto [at, node] = order.begin()->first;
    order.erase(order.begin());
    feed_faults(Time{at.ns - network_.genesis_time_ns});
    step(node);
    if (results_[node].problem.empty()) queue(node, at);
    if (progress && steps % kProgressSteps == 0) progress(steps);
  }
  feed_faults(kNever);
}

}  // namespace orrery::testnet

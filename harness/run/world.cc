#include "harness/run/world.h"

#include <algorithm>
#include <map>
#include <utility>

#include "harness/run/load.h"
#include "harness/run/network.h"
#include "protocol/adversary/actor.h"
#include "protocol/types/seeded_bug.h"

namespace orrery::run {
namespace {

std::vector<std::string> region_names(const scenario::Scenario& scenario) {
  std::vector<std::string> names;
  for (const scenario::NodeSpec& node : scenario.nodes) names.push_back(node.region);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::uint32_t region_index(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<std::uint32_t>(std::lower_bound(names.begin(), names.end(), name) -
                                    names.begin());
}

void schedule_next(sim::Simulator& simulator, const std::shared_ptr<LoadSource>& source,
                   Time after) {
  const Time at = source->next_time(after);
  if (at == kNever) return;
  simulator.call_at(at, [&simulator, source, at] {
    simulator.inject_request(at, source->user(), source->next_id(), Buffer(source->next_request()));
    schedule_next(simulator, source, at);
  });
}

// The seeded bug is known by name to the loader and by number to the chain.
Status arm_seeded_bug(scenario::Scenario& scenario) {
  if (scenario.seeded_bug.empty()) return {};
#ifdef ORRERY_SEEDED_BUGS
  for (const chain::SeededBugName& bug : chain::kSeededBugs) {
    if (scenario.seeded_bug != bug.name) continue;
    scenario.chain.seeded_bug = bug.bug;
    return {};
  }
#endif
  return fail(ErrorCode::kInvalidArgument,
              "this build has no seeded bug '" + scenario.seeded_bug + "'");
}

}  // namespace

Result<std::unique_ptr<World>> World::make(const scenario::Scenario& scenario,
                                           WorldOptions options) {
  std::unique_ptr<World> world(new World(scenario));
  TRY(arm_seeded_bug(world->scenario_));
  ASSIGN_OR_RETURN(world->inference_, Inference::make(scenario.models, options.memo));
  ASSIGN_OR_RETURN(const auto network,
                   make_network(world->scenario_, *world->inference_, sim::kWallOrigin));
  sim::SimOptions sim_options;
  sim_options.seed = scenario.seed;
  sim_options.memo = options.memo;
  sim_options.default_link = link_model(scenario.network.link);
  sim_options.checkpoint_events = options.checkpoint_events;
  sim_options.rare_ppm = scenario.buggify_ppm;
  sim_options.interrupt = options.interrupt;
  sim_options.log = options.log;
  sim_options.log_level = options.log_level;
  ASSIGN_OR_RETURN(world->simulator_, sim::Simulator::make(std::move(sim_options)));
  world->simulator_->use_crew(options.crew);
  TRY(world->add_links());
  TRY(world->add_topology());
  world->simulator_->set_compute([inference = world->inference_.get()](const env::JobSpec& s) {
    return inference->execute(s);
  });
  if (options.branch) options.actors = may_misbehave(options.branch->scenario);
  world->coming_ = std::move(options.branch);
  world->observe(network, options.invariants, options.actors);
  world->add_nodes(network);
  for (const auto& source : make_load(world->scenario_, *world->inference_)) {
    schedule_next(*world->simulator_, source, source->start());
  }
  world->faults_ = std::make_unique<FaultPlan>(world->scenario_, *world->simulator_);
  world->faults_->schedule();
  world->schedule_samples();
  return world;
}

// The graph that the scenario asks for, each link with a latency of its own; none if all nodes are
// joined to all.
Status World::add_topology() {
  const scenario::TopologySpec& spec = scenario_.network.topology;
  const auto nodes = static_cast<std::uint32_t>(scenario_.nodes.size());
  const RandomStream draws(scenario_.seed, 0, stream_id("topology.graph"));
  Result<sim::Pairs> pairs = sim::Pairs{};
  switch (spec.kind) {
    case scenario::TopologyKind::kComplete:
    case scenario::TopologyKind::kGeographic: return {};
    case scenario::TopologyKind::kFile: break;
    case scenario::TopologyKind::kRandomRegular:
      pairs = sim::random_regular(nodes, spec.degree, draws);
      break;
    case scenario::TopologyKind::kSmallWorld:
      pairs = sim::small_world(nodes, spec.degree, spec.rewire_ppm, draws);
      break;
    case scenario::TopologyKind::kScaleFree:
      pairs = sim::scale_free(nodes, spec.attach, draws);
      break;
  }
  if (!pairs) return tl::unexpected(pairs.error());
  std::vector<sim::TopologyEdge> edges;
  for (const auto& e : spec.edges) edges.push_back({e.from, e.to, e.latency});
  ASSIGN_OR_RETURN(const Distribution latency, Distribution::make(scenario_.network.link.latency));
  for (const auto& [a, b] : *pairs) {
    const std::uint64_t owner = static_cast<std::uint64_t>(a) << 32 | b;
    RandomStream draw(scenario_.seed, owner, stream_id("topology.latency"));
    const Duration drawn{std::max(sim::kMinLatency.ns, latency.at(draw.next()))};
    edges.push_back({a, b, drawn});
    edges.push_back({b, a, drawn});
  }
  ASSIGN_OR_RETURN(auto topology, sim::Topology::make(nodes, edges));
  simulator_->set_topology(std::move(topology));
  return {};
}

Status World::add_links() {
  const auto regions = region_names(scenario_);
  for (const auto& o : scenario_.network.overrides) {
    const std::uint32_t from = region_index(regions, o.from_region);
    const std::uint32_t to = region_index(regions, o.to_region);
    TRY(simulator_->set_region_link(from, to, link_model(o.link)));
    // Both directions, unless the scenario lists the reverse one itself.
    const bool reverse_listed = std::any_of(
        scenario_.network.overrides.begin(), scenario_.network.overrides.end(), [&](const auto& p) {
          return p.from_region == o.to_region && p.to_region == o.from_region;
        });
    if (!reverse_listed) TRY(simulator_->set_region_link(to, from, link_model(o.link)));
  }
  return {};
}

void World::add_nodes(const std::shared_ptr<const chain::Network>& network) {
  std::map<std::string, scenario::DeviceSpec> devices;
  for (const scenario::DeviceSpec& device : scenario_.devices) devices[device.name] = device;
  std::vector<env::Address> bootstrap;
  for (std::size_t i = 0; i < scenario_.nodes.size(); ++i) {
    if (scenario_.nodes[i].role == scenario::Role::kBootstrap) {
      bootstrap.push_back({"sim/" + std::to_string(i)});
    }
  }
  const auto regions = region_names(scenario_);
  for (std::uint32_t i = 0; i < scenario_.nodes.size(); ++i) {
    const scenario::NodeSpec& spec = scenario_.nodes[i];
    const chain::NodeConfig config = node_config(scenario_, network, i, bootstrap);
    const scenario::DeviceSpec& device = devices[spec.device];
    sim::NodeOptions options{.name = spec.name,
                             .key = config.key.public_key().bytes,
                             .region = region_index(regions, spec.region),
                             .clock_offset = spec.clock_offset,
                             .clock_drift_ppb = spec.clock_drift_ppb,
                             .uplink_bytes_per_second = spec.uplink_bytes_per_second,
                             .device = {.overhead = device.job_overhead,
                                        .work_units_per_second = device.work_units_per_second,
                                        .device_class = device_class(scenario_, spec.device)},
                             .cpu = {.message = device.cpu_message,
                                     .message_byte = device.cpu_byte,
                                     .timer = device.cpu_timer,
                                     .request = device.cpu_request,
                                     .completion = device.cpu_completion,
                                     .session = device.cpu_session}};
    simulator_->add_node(std::move(options),
                         [config, behaviour = spec.behaviour, actor = may_misbehave_[i]] {
                           return make_node(config, behaviour, actor);
                         });
  }
}

void World::observe(const std::shared_ptr<const chain::Network>& network, bool invariants,
                    const std::vector<bool>& actors) {
  may_misbehave_ = may_misbehave(scenario_);
  for (std::size_t i = 0; i < actors.size(); ++i) {
    if (actors[i]) may_misbehave_[i] = true;
  }
  observer_ = make_observer(scenario_, *inference_, network);
  observer_.node = [this](std::uint32_t index) { return node(index); };
  if (invariants) chain::add_invariants(checkers_, observer_);
  recorder_ = std::make_unique<Recorder>(scenario_, observer_, *simulator_);
  asserts_ = std::make_unique<Asserts>(scenario_.asserts);
  simulator_->add_trace_sink(checkers_);
  simulator_->add_trace_sink(*recorder_);
}

const chain::ChainNode* World::node(std::uint32_t index) const {
  const env::Node* node = simulator_->node(index);
  return node ? &chain_side(*node, may_misbehave_[index]) : nullptr;
}

#ifdef ORRERY_SEEDED_BUGS
void World::flip_state_bit(std::uint32_t index) {
  env::Node* node = simulator_->mutable_node(index);
  ENSURE(node, "a bit is flipped in a node that is up");
  if (may_misbehave_[index]) return static_cast<chain::Actor*>(node)->flip_state_bit_for_test();
  static_cast<chain::ChainNode*>(node)->flip_state_bit_for_test();
}
#endif

void World::sample() {
  recorder_->sample(simulator_->now());
  asserts_->sample(simulator_->now(), recorder_->latest());
}

void World::schedule_samples() {
  std::vector<Time> times;
  for (Time t = Time{} + scenario_.metrics_every; t < scenario_.until;
       t = t + scenario_.metrics_every) {
    times.push_back(t);
  }
  // The instants at which a deadline of an assert starts and passes.
  for (const Time t : asserts_->instants()) {
    if (t > Time{} && t < scenario_.until) times.push_back(t);
  }
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  for (const Time t : times) simulator_->call_at(t, [this] { sample(); });
}

Status World::take(const Branch& branch) {
  ENSURE(!branch_ && simulator_->now() == branch.spec.at, "a branch is taken once, at its instant");
  const std::vector<bool> misbehave = may_misbehave(branch.scenario);
  for (std::size_t i = 0; i < misbehave.size(); ++i) {
    if (!misbehave[i] || may_misbehave_[i]) continue;
    return fail(ErrorCode::kInvalidArgument,
                scenario_.nodes[i].name + " cannot begin to misbehave: it was made honest");
  }
  branch_ = branch;
  for (std::size_t i = 0; i < misbehave.size(); ++i) observer_.honest[i] = !misbehave[i];
  if (branch.spec.seed) simulator_->reseed(*branch.spec.seed);
  branch_faults_ = std::make_unique<FaultPlan>(branch_->scenario, *simulator_);
  branch_faults_->schedule(branch.first_added);
  return {};
}

Status World::take_coming(Time until) {
  if (!coming_ || coming_->spec.at > until) return {};
  TRY(simulator_->run_until(coming_->spec.at));
  return take(*std::exchange(coming_, std::nullopt));
}

Status World::run_until(Time until) {
  TRY(take_coming(until));
  return simulator_->run_until(until);
}

Result<bool> World::step(Time until) {
  if (coming_ && simulator_->next_time() > coming_->spec.at) TRY(take_coming(until));
  if (simulator_->next_time() > until) return false;
  return simulator_->step();
}

void World::finish() {
  if (finished_) return;
  finished_ = true;
  sample();
  asserts_->finish(simulator_->now(), recorder_->latest());
  checkers_.on_end(simulator_->now());
}

}  // namespace orrery::run

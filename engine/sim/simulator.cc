#include "engine/sim/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "engine/base/codec.h"
#include "engine/env/event_digest.h"

namespace orrery::sim {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

std::string_view name_of(const Payload& payload) {
  static constexpr std::string_view kNames[] = {
      "nothing",  "boot",          "handshake",   "dial timeout", "dial failed", "message",
      "datagram", "stall timeout", "peer down",   "synced",       "job",         "timer",
      "request",  "admin",         "driver call", "processor"};
  static_assert(std::size(kNames) == std::variant_size_v<Payload>);
  return kNames[payload.index()];
}

}  // namespace

Simulator::Simulator(SimOptions options)
    : core_(std::move(options)),
      links_(core_.options.seed),
      network_(core_, links_),
      log_(core_.options.checkpoint_events) {}

Result<std::unique_ptr<Simulator>> Simulator::make(SimOptions options) {
  if (options.sync_latency <= Duration{}) {
    return fail(ErrorCode::kInvalidArgument, "a disk takes time: sync_latency must be above 0");
  }
  if (options.checkpoint_events == 0 || options.interrupt_events == 0) {
    return fail(ErrorCode::kInvalidArgument, "a period of events must be above 0");
  }
  const LinkModel link = options.default_link;
  std::unique_ptr<Simulator> simulator(new Simulator(std::move(options)));
  TRY(simulator->set_default_link(link));
  return simulator;
}

std::uint32_t Simulator::add_node(NodeOptions options, NodeFactory factory) {
  const std::uint32_t index = nodes();
  core_.counters.push_back(0);
  core_.outside_counters.push_back(0);
  core_.chains.emplace_back();
  core_.stats.emplace_back();
  links_.add_node(options.region);
  network_.add_node(options);
  hosts_.push_back(std::make_unique<Host>(core_, network_, outside_, index, std::move(options),
                                          std::move(factory)));
  if (events_ == 0) {
    log_ = DigestLog(std::max(core_.options.checkpoint_events, kCheckpointEventsPerNode * nodes()));
  }
  schedule_boot(index);
  return index;
}

void Simulator::schedule_boot(std::uint32_t node) {
  core_.schedule(core_.now, EventClass::kDeliver, node, kOutside,
                 pending::Boot{hosts_[node]->next_boot()});
}

void Simulator::check_driver(std::uint32_t node) const {
  ENSURE(!in_node_, "the world is changed by its driver, not by a node");
  ENSURE(node < hosts_.size(), "no such node");
}

void Simulator::inject_request(Time at, std::uint32_t node, std::uint64_t id, Buffer body) {
  check_driver(node);
  core_.schedule(at, EventClass::kRequest, node, kOutside, pending::Request{id, std::move(body)});
}

void Simulator::inject_admin(Time at, std::uint32_t node, Buffer body) {
  check_driver(node);
  core_.schedule(at, EventClass::kAdmin, node, kOutside, pending::Admin{std::move(body)});
}

void Simulator::call_at(Time at, std::function<void()> function) {
  core_.schedule(at, EventClass::kWorld, kOutside, kOutside, pending::Call{std::move(function)});
}

Result<bool> Simulator::step() {
  if (failed_) return tl::unexpected(*failed_);
  if (core_.queue.empty()) return false;
  auto [key, payload] = core_.queue.pop();
  run_event(key, std::move(payload));
  if (failed_) return tl::unexpected(*failed_);
  return true;
}

void Simulator::run_event(const EventKey& key, Payload payload) {
  core_.now = key.time;
  attempt(key, [&] { execute(key, std::move(payload)); });
  if (!failed_) end_event();
}

void Simulator::end_event() {
  ++events_;
  if (recording_) record_.index = events_;
  if (!log_.due(events_)) return;
  ENSURE(batch_ == nullptr || !batch_->any_ahead(),
         "a checkpoint falls between events that run ahead: raise checkpoint_events");
  checkpoint();
}

Error Simulator::failure(const EventKey& key, std::string_view what) const {
  const std::string node =
      key.destination == kOutside
          ? std::string("the driver")
          : fmt::format("node {} ({})", key.destination, hosts_[key.destination]->options().name);
  return {ErrorCode::kInternal,
          fmt::format("seed {}, virtual time {}.{:09} s, {}, event {} of {}: {}",
                      core_.options.seed, key.time.ns / ClockModel::kBillion,
                      key.time.ns % ClockModel::kBillion, node, event_, events_ + 1, what)};
}

void Simulator::execute(const EventKey& key, Payload payload) {
  event_ = name_of(payload);
  if (key.destination == kOutside) {
    core_.world_chain.add(static_cast<std::uint64_t>(key.time.ns));
    core_.world_chain.add(key.counter);
    std::get<pending::Call>(payload).function();
    if (recording_) record(key, nullptr);
    return;
  }
  const std::uint32_t node = key.destination;
  Host& host = *hosts_[node];
  using Heard = std::optional<env::Event>;
  deliver(key, std::visit(Overloaded{
                              [](pending::Nothing&) -> Heard { return std::nullopt; },
                              [](pending::Call&) -> Heard { return std::nullopt; },
                              [&](pending::Boot& p) -> Heard {
                                if (held_down(node))
                                  return std::nullopt;  // crashed again meanwhile
                                in_node_ = true;
                                host.boot(key, p);
                                in_node_ = false;
                                return std::nullopt;
                              },
                              [&](pending::Timer& p) -> Heard { return host.arrive(p); },
                              [&](pending::Synced& p) -> Heard { return host.arrive(p); },
                              [&](pending::Job& p) -> Heard { return host.arrive(p); },
                              [&](pending::Request& p) -> Heard { return host.arrive(p); },
                              [&](pending::CpuFree& p) -> Heard { return host.next_in_line(p); },
                              [&](pending::Admin& p) -> Heard { return host.arrive(p); },
                              [&](pending::Datagram& p) -> Heard {
                                return network_.arrive(key, std::move(p));
                              },
                              [&](auto& p) -> Heard { return network_.arrive(node, std::move(p)); },
                          },
                          payload));
}

void Simulator::deliver(const EventKey& key, const std::optional<env::Event>& event) {
  Host& host = *hosts_[key.destination];
  if (event && host.is_up() && host.wait_in_line(key, *event)) {
    if (recording_) record(key, nullptr);
    return;
  }
  if (event && host.is_up()) {
    event_ = env::event_name(*event);
    in_node_ = true;
    host.deliver(key, *event);
    in_node_ = false;
  }
  if (recording_) record(key, event ? &*event : nullptr);
}

void Simulator::record(const EventKey& key, const env::Event* event) {
  record_.time = key.time;
  record_.node = key.destination;
  record_.source = key.source;
  record_.counter = key.counter;
  record_.kind = event_;
  record_.payload = event == nullptr ? Digest128{} : env::event_digest(*event);
  // The driver may have touched any node, so after its calls the whole world is compared.
  record_.after = key.destination == kOutside ? digest() : node_digest(key.destination);
}

void Simulator::reseed(std::uint64_t seed) {
  ENSURE(!in_node_, "the world is changed by its driver, not by a node");
  core_.options.seed = seed;
  links_.reseed(seed);
  for (const auto& host : hosts_) host->forget_streams();
}

Status Simulator::run_until(Time until) {
  while (next_time() <= until && !core_.queue.empty()) {
    const std::uint64_t period = events_ / core_.options.interrupt_events;
    if (core_.options.interrupt &&
        (events_ % core_.options.interrupt_events == 0 || period != asked_in_)) {
      asked_in_ = period;
      if (core_.options.interrupt()) {
        return fail(ErrorCode::kInterrupted, "the run was interrupted");
      }
    }
    if (may_run_ahead()) {
      TRY(run_batch(until));
    } else {
      TRY(step());
    }
  }
  if (failed_) return tl::unexpected(*failed_);
  core_.now = std::max(core_.now, until);
  return {};
}

Digest128 Simulator::digest() const {
  Writer out;
  const auto add = [&](Digest128 d) { out.u64(d.lo).u64(d.hi); };
  for (const auto& host : hosts_) add(host->digest());
  add(world_digest());
  return hash128(out.view());
}

void Simulator::checkpoint() {
  Checkpoint point{events_, core_.now, world_digest(), {}};
  point.nodes.reserve(hosts_.size());
  for (const auto& host : hosts_) point.nodes.push_back(host->digest());
  log_.add(std::move(point));
}

}  // namespace orrery::sim

#include "engine/sim/host.h"

#include <algorithm>

#include "engine/env/event_digest.h"

namespace orrery::sim {

Host::Host(Core& core, Network& network, const Outside& outside, std::uint32_t index,
           NodeOptions options, NodeFactory factory)
    : core_(core),
      network_(network),
      outside_(outside),
      index_(index),
      options_(std::move(options)),
      factory_(std::move(factory)),
      clock_(options_.clock_offset, options_.clock_drift_ppb, options_.wall_error),
      store_([this](std::uint64_t sequence, env::Cookie cookie) {
        const Time due = now() + core_.options.sync_latency + store_.stall();
        act([this, due, synced = pending::Synced{boots_ - 1, sequence, cookie}] {
          core_.schedule(due, EventClass::kSynced, index_, index_, synced);
        });
      }),
      device_(core, index, options_.device, outside.compute, [this] { take_turn(); }),
      env_{*this, *this, *this, *this, store_, device_, *this, *this, *this, core.memo} {
  has_cpu_ = options_.cpu != CpuProfile{};
}

void Host::boot(const EventKey& key, const pending::Boot& boot) {
  if (node_ != nullptr || boot.boot != boots_) return;
  ++boots_;
  ++core_.stats[index_].boots;
  clock_.boot(core_.now);
  device_.boot(boot.boot);
  network_.boot(index_, boot.boot);
  stopped_by_disk_ = false;
  next_timer_ = 1;
  timers_.clear();
  streams_.clear();
  inbox_ = {};
  cpu_free_ = {};
  waited_ = false;
  env::DigestChain& chain = core_.chains[index_];
  chain.add(static_cast<std::uint64_t>(key.time.ns));
  core_.trace(index_, {.kind = env::kNodeBoot, .n = {boot.boot, 0, 0, 0}});
  node_ = factory_();
  ENSURE(node_ != nullptr, "a node factory returns a node");
  handle([&] { node_->boot(env_, env::BootInfo{boot.boot}); });
}

void Host::crash(CrashLoss loss, bool unnoticed) {
  if (node_ == nullptr) return;
  node_.reset();
  network_.crash(index_);
  const RandomStream draws(core_.options.seed, mix64(index_, boots_ - 1),
                           stream_id("engine.disk.crash"));
  const std::uint64_t lost = store_.crash(loss, draws, unnoticed);
  const bool wiped = loss == CrashLoss::kWipe;
  const std::uint64_t harm = wiped ? 1 : store_.damaged() > 0 ? 2 : 0;
  core_.trace(index_, {.kind = env::kNodeCrash, .n = {lost, harm, 0, 0}});
}

template <class Handler>
void Host::handle(Handler&& handler) {
  try {
    handler();
  } catch (const env::StoreFailed& failed) {
    return stop_for_disk(failed.what());
  }
  if (store_.failure() != DiskFailure::kNone) stop_for_disk(describe(store_.failure()));
}

void Host::stop_for_disk(std::string_view reason) {
  take_turn();
  write(env::LogLevel::kError, reason);
  const auto why = static_cast<std::uint64_t>(store_.failure());
  core_.trace(index_, {.kind = env::kStoreFailed, .n = {why, 0, 0, 0}});
  crash(CrashLoss::kLoseUnsynced, false);
  stopped_by_disk_ = true;
}

void Host::begin_clock(std::uint32_t fault, const ClockFault& spec) {
  if (clock_.begin(fault, spec, core_.now)) schedule_timers();
}

void Host::end_clock(std::uint32_t fault) {
  if (clock_.end(fault, core_.now)) schedule_timers();
}

void Host::begin_disk(std::uint32_t fault, const DiskFault& spec) {
  const std::uint64_t key = mix64(mix64(core_.options.seed, stream_id("engine.disk")),
                                  static_cast<std::uint64_t>(index_) << 32 | fault);
  store_.begin_fault(fault, spec, key);
}

std::optional<env::Event> Host::arrive(const pending::Timer& timer) {
  if (node_ == nullptr || timer.boot != boots_ - 1) return std::nullopt;
  const auto it = std::lower_bound(timers_.begin(), timers_.end(), timer.timer);
  if (it == timers_.end() || it->id != timer.timer) return std::nullopt;
  if (mono() < it->at) return std::nullopt;  // the clock was slowed down: there is a later one
  timers_.erase(it);
  return env::TimerFired{timer.timer, timer.cookie};
}

std::optional<env::Event> Host::arrive(const pending::Synced& synced) {
  if (node_ == nullptr || synced.boot != boots_ - 1) return std::nullopt;
  const bool ok = store_.finish_sync(synced.sequence);
  act([this, sequence = synced.sequence, ok] {
    core_.trace(index_, {.kind = env::kStoreSynced, .n = {sequence, ok ? 1u : 0u, 0, 0}});
  });
  return env::Synced{synced.sequence, synced.cookie, ok};
}

std::optional<env::Event> Host::arrive(const pending::Request& request) {
  if (node_ == nullptr) ++core_.stats[index_].requests_lost;
  return env::Request{request.id, request.body};
}

void Host::deliver(const EventKey& key, const env::Event& event) {
  // The event outlives the handler's turn, whether it runs ahead or not.
  act([this, &key, &event] {
    ++core_.stats[index_].events;
    env::DigestChain& chain = core_.chains[index_];
    chain.add(static_cast<std::uint64_t>(key.time.ns));
    chain.add(static_cast<std::uint64_t>(key.cls) << 40 |
              static_cast<std::uint64_t>(event.index()) << 32 | key.source);
    chain.add(key.counter);
    env::add_fields(chain, event);
  });
  if (core_.watcher != nullptr) tell_watcher(key, event);
  handle([&] { node_->on(env_, event); });
}

void Host::tell_watcher(const EventKey& key, const env::Event& event) {
  const Duration cost = has_cpu_ ? cost_of(event) : Duration{};
  core_.watcher->on_handled(core_.now, has_cpu_ ? arrived_ : key, event, cost);
}

void Host::take_turn() const {
  if (ahead_ == nullptr) return;
  ahead_->take_turn();
  ahead_ = nullptr;
}

env::SendStatus Host::send(env::PeerId peer, env::Channel channel, const Buffer& payload) {
  // After a drop, or when queues may be full, the answer is known in turn only.
  if (ahead_ != nullptr && (ahead_->dropped || ahead_->bytes + payload.size() > kMaxQueuedBytes)) {
    take_turn();
  }
  if (ahead_ == nullptr) return network_.send(index_, peer.value, channel, payload);
  const Network::Outlook outlook = network_.outlook(index_, peer.value, channel, now());
  if (outlook.queued + ahead_->bytes + payload.size() > kMaxQueuedBytes) {
    take_turn();
    return network_.send(index_, peer.value, channel, payload);
  }
  const env::SendStatus status = payload.size() > kMaxMessage ? env::SendStatus::kTooLarge
                                 : outlook.open               ? env::SendStatus::kQueued
                                                              : env::SendStatus::kNotConnected;
  if (status != env::SendStatus::kQueued) return status;
  ahead_->bytes += payload.size();
  act([this, peer, channel, payload] {
    ENSURE(network_.send(index_, peer.value, channel, payload) == env::SendStatus::kQueued,
           "a message that was taken ahead of its turn is not refused in turn");
  });
  return status;
}

// A sink may look at the node, so it must find it as it is at this point of its handler.
void Host::emit(const env::TraceEvent& event) {
  if (!core_.sinks.empty()) take_turn();
  act([this, event] { core_.trace(index_, event); });
}

Digest128 Host::digest() const {
  const Digest128 chain = core_.chains[index_].value();
  return node_ == nullptr ? chain : node_->fold(chain);
}

Duration Host::cost_of(const env::Event& event) const {
  const CpuProfile& cpu = options_.cpu;
  if (const auto* message = std::get_if<env::MessageIn>(&event)) {
    const auto bytes = static_cast<std::int64_t>(message->payload.size());
    return cpu.message + Duration{cpu.message_byte.ns * bytes};
  }
  if (std::holds_alternative<env::TimerFired>(event)) return cpu.timer;
  if (std::holds_alternative<env::Request>(event)) return cpu.request;
  if (std::holds_alternative<env::Admin>(event)) return {};
  const bool completion =
      std::holds_alternative<env::Synced>(event) || std::holds_alternative<env::JobDone>(event);
  return completion ? cpu.completion : cpu.session;
}

bool Host::wait_in_line(const EventKey& key, const env::Event& event) {
  if (!has_cpu_) return false;
  if (!waited_ && (core_.now < cpu_free_ || !inbox_.empty())) {
    ENSURE(inbox_.size() < kMaxInbox, "a processor that falls behind for good");
    inbox_.push({key, event});
    if (inbox_.size() == 1) schedule_cpu();
    return true;
  }
  if (!waited_) arrived_ = key;
  waited_ = false;
  cpu_free_ = core_.now + cost_of(event);
  if (!inbox_.empty()) schedule_cpu();
  return false;
}

std::vector<PendingTimer> Host::timers() const {
  std::vector<PendingTimer> timers;
  for (const Armed& timer : timers_) {
    timers.push_back({clock_.virtual_of(timer.at, core_.now), timer.cookie});
  }
  return timers;
}

void Host::schedule_cpu() {
  core_.schedule(cpu_free_, EventClass::kDeliver, index_, index_, pending::CpuFree{boots_ - 1});
}

std::optional<env::Event> Host::next_in_line(const pending::CpuFree& free) {
  const bool stale = node_ == nullptr || free.boot != boots_ - 1 || core_.now < cpu_free_;
  if (stale || inbox_.empty()) return std::nullopt;
  waited_ = true;
  Waiting waiting = inbox_.pop();
  arrived_ = waiting.key;
  return std::move(waiting.event);
}

std::uint64_t Host::arm(Time at, env::Cookie cookie) {
  ENSURE(timers_.size() < kMaxTimers, "too many pending timers on one node");
  timers_.push_back({next_timer_, at, cookie});
  const Time due = clock_.virtual_of(at, now());
  // A timer for never stays armed, so that cancelling it is like cancelling any other.
  if (due < kNever) {
    act([this, due, timer = pending::Timer{boots_ - 1, next_timer_, cookie}] {
      core_.schedule(due, EventClass::kTimer, index_, index_, timer);
    });
  }
  return next_timer_++;
}

void Host::cancel(std::uint64_t timer) {
  const auto it = std::lower_bound(timers_.begin(), timers_.end(), timer);
  if (it != timers_.end() && it->id == timer) timers_.erase(it);
  inbox_.erase_if([&](const Waiting& waiting) {  // fired, but not heard of yet
    const auto* fired = std::get_if<env::TimerFired>(&waiting.event);
    return fired != nullptr && fired->timer == timer;
  });
}

// Events of the former instants find the timer gone, or come too early and are ignored.
void Host::schedule_timers() {
  for (const Armed& timer : timers_) {
    const Time due = clock_.virtual_of(timer.at, core_.now);
    if (due < kNever) {
      core_.schedule(due, EventClass::kTimer, index_, index_,
                     pending::Timer{boots_ - 1, timer.id, timer.cookie});
    }
  }
}

std::uint64_t Host::u64(std::uint64_t stream) {
  const auto it = std::lower_bound(streams_.begin(), streams_.end(), stream,
                                   [](const auto& s, std::uint64_t id) { return s.first < id; });
  if (it != streams_.end() && it->first == stream) return it->second.next();
  const std::uint64_t owner = mix64(index_, boots_ - 1);
  return streams_.insert(it, {stream, RandomStream(core_.options.seed, owner, stream)})
      ->second.next();
}

bool Host::rare(std::uint64_t point) {
  if (core_.options.rare_ppm == 0) return false;
  const std::uint64_t world = mix64(core_.options.seed, stream_id("engine.rare"));
  if ((mix64(world, point) & 1) == 0) return false;
  const std::uint64_t draw = u64(mix64(stream_id("engine.rare"), point)) >> 32;
  if (draw * 1'000'000 >> 32 >= core_.options.rare_ppm) return false;
  emit({.kind = env::kRareTaken, .n = {point, 0, 0, 0}});
  return true;
}

void Host::write(env::LogLevel level, std::string_view line) {
  if (!core_.options.log || level < core_.options.log_level) return;
  act([this, level, line = std::string(line)] {
    core_.options.log(core_.now, index_, level, line);
  });
}

}  // namespace orrery::sim

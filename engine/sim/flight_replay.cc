#include "engine/sim/flight_replay.h"

#include <fmt/format.h>

#include <map>

#include "engine/base/random.h"
#include "engine/env/event_digest.h"
#include "engine/env/recorded.h"
#include "engine/sim/store.h"

namespace orrery::sim {

Time FlightStep::wall() const {
  if (const auto* boot = std::get_if<env::FlightBoot>(&begun)) return boot->wall;
  if (const auto* heard = std::get_if<env::FlightHeard>(&begun)) return heard->wall;
  return Time{};
}

std::string FlightStep::text() const {
  if (const auto* boot = std::get_if<env::FlightBoot>(&begun)) {
    return fmt::format("boot {}", boot->boot);
  }
  const auto* heard = std::get_if<env::FlightHeard>(&begun);
  if (!heard) return "stop";
  std::string text(env::event_name(heard->event));
  if (const auto* m = std::get_if<env::MessageIn>(&heard->event)) {
    text += fmt::format(" from peer {}, {} bytes", m->from.value, m->payload.size());
  } else if (const auto* t = std::get_if<env::TimerFired>(&heard->event)) {
    text += fmt::format(" {} of kind {}", t->timer, t->cookie.kind);
  } else if (const auto* j = std::get_if<env::JobDone>(&heard->event)) {
    text += fmt::format(" {}", j->job);
  } else if (const auto* s = std::get_if<env::Synced>(&heard->event)) {
    text += fmt::format(" up to batch {}", s->sequence);
  }
  return text;
}

class FlightReplay::Impl final : public env::Clock,
                                 public env::Timers,
                                 public env::Random,
                                 public env::Transport,
                                 public env::Trace,
                                 public env::Replies,
                                 public env::Log {
 public:
  Impl(Factory factory, env::Memo& memo)
      : factory_(std::move(factory)),
        store_([](std::uint64_t, env::Cookie) {}),
        jobs_(*this),
        env_{*this, *this, *this, *this, store_, jobs_, *this, *this, *this, memo} {}

  Result<bool> execute(const FlightStep& step) {
    ++steps_;
    answered_ = step.answered.value_or(env::FlightAnswered{});
    next_send_ = next_queued_ = 0;
    if (const auto* boot = std::get_if<env::FlightBoot>(&step.begun)) {
      TRY(begin_life(*boot));
      recorded_->begin(*boot);
      emit({.kind = env::kNodeBoot, .n = {boot->boot}});
      node_->boot(recorded_->env(), {boot->boot});
    } else if (const auto* heard = std::get_if<env::FlightHeard>(&step.begun)) {
      if (!node_) return fail(ErrorCode::kMalformed, "an event before any boot");
      mono_ = heard->mono;
      wall_ = heard->wall;
      recorded_->begin(*heard);
      if (const auto* synced = std::get_if<env::Synced>(&heard->event); synced && synced->ok) {
        store_.mark_durable(synced->sequence);
        emit({.kind = env::kStoreSynced, .n = {synced->sequence, 1}});
      }
      node_->on(recorded_->env(), heard->event);
    } else {
      recorded_.reset();
      node_.reset();
      return true;
    }
    const env::FlightAnswered replayed = recorded_->end();
    if (!step.answered) return true;
    ++compared_;
    return replayed.digest == step.answered->digest;
  }

  // The disk as the crash left it, and a new node.
  Status begin_life(const env::FlightBoot& boot) {
    if (boots_ == 0 || boot.store_identity != boot_.store_identity) {
      if (boot.store_sequence != 0) {
        return fail(ErrorCode::kMalformed, "the log begins after its disk");
      }
      store_.wipe();
    }
    if (boot.store_sequence > store_.sequence()) {
      return fail(ErrorCode::kMalformed,
                  fmt::format("the disk had {} batches at boot {}, the log made only {}",
                              boot.store_sequence, boot.boot, store_.sequence()));
    }
    const bool crashed = node_ != nullptr;
    node_.reset();
    store_.mark_durable(boot.store_sequence);
    const std::uint64_t lost = store_.crash();
    if (crashed) emit({.kind = env::kNodeCrash, .n = {lost, boot.store_sequence == 0 ? 1u : 0u}});
    boot_ = boot;
    ++boots_;
    next_timer_ = next_job_ = 1;
    streams_.clear();
    mono_ = boot.mono;
    wall_ = boot.wall;
    recorded_.emplace(env_);
    node_ = factory_();
    return {};
  }

  // env::Clock
  Time mono() const override { return mono_; }
  Time wall() const override { return wall_; }
  Duration wall_error() const override { return boot_.wall_error; }
  // env::Timers
  std::uint64_t arm(Time, env::Cookie) override { return next_timer_++; }
  void cancel(std::uint64_t) override {}
  // env::Random
  std::uint64_t u64(std::uint64_t stream) override {
    return streams_.try_emplace(stream, boot_.random_seed, boot_.boot, stream).first->second.next();
  }
  // env::Transport
  env::Address self() const override { return {boot_.self}; }
  env::SendStatus send(env::PeerId to, env::Channel, const Buffer& payload) override {
    const env::SendStatus status = next_send_ < answered_.sends.size()
                                       ? answered_.sends[next_send_++]
                                       : env::SendStatus::kQueued;
    if (status == env::SendStatus::kQueued && on_send_) on_send_(wall_, to, payload);
    return status;
  }
  void dial(const env::Address&) override {}
  void drop(env::PeerId) override {}
  std::size_t queued(env::PeerId, env::Channel) const override {
    return next_queued_ < answered_.queued.size() ? answered_.queued[next_queued_++] : 0;
  }
  // env::Trace
  void emit(const env::TraceEvent& event) override {
    for (env::TraceSink* sink : sinks_) sink->on_trace(wall_, boot_.node, event);
  }
  void reply(std::uint64_t, Buffer) override {}
  void write(env::LogLevel, std::string_view) override {}

  class Jobs final : public env::Compute {
   public:
    explicit Jobs(Impl& replay) : replay_(replay) {}
    std::uint64_t submit(const env::JobSpec&, env::Cookie) override { return replay_.next_job_++; }
    void cancel(std::uint64_t) override {}
    std::uint32_t device_class() const override { return replay_.boot_.device_class; }

   private:
    Impl& replay_;
  };

  Factory factory_;
  SimStore store_;
  Jobs jobs_;
  env::Env env_;
  std::optional<env::Recorded> recorded_;
  std::unique_ptr<env::Node> node_;
  std::vector<env::TraceSink*> sinks_;
  SendFunction on_send_;

  env::FlightBoot boot_;
  Time mono_{};
  Time wall_{};
  env::FlightAnswered answered_;
  std::size_t next_send_ = 0;
  mutable std::size_t next_queued_ = 0;
  std::uint64_t next_timer_ = 1;
  std::uint64_t next_job_ = 1;
  std::map<std::uint64_t, RandomStream> streams_;
  std::uint64_t steps_ = 0;
  std::uint64_t compared_ = 0;
  std::uint64_t boots_ = 0;
};

FlightReplay::FlightReplay(Factory factory, env::Memo& memo)
    : impl_(std::make_unique<Impl>(std::move(factory), memo)) {}
FlightReplay::~FlightReplay() = default;

void FlightReplay::add_sink(env::TraceSink& sink) { impl_->sinks_.push_back(&sink); }
void FlightReplay::on_send(SendFunction function) { impl_->on_send_ = std::move(function); }
Result<bool> FlightReplay::execute(const FlightStep& step) { return impl_->execute(step); }
const env::Node* FlightReplay::node() const { return impl_->node_.get(); }
std::uint64_t FlightReplay::steps() const { return impl_->steps_; }
std::uint64_t FlightReplay::compared() const { return impl_->compared_; }
std::uint64_t FlightReplay::boots() const { return impl_->boots_; }

}  // namespace orrery::sim

#include "engine/sim/flight_replay.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "engine/base/codec.h"
#include "engine/env/recorded.h"
#include "engine/sim/store.h"

namespace orrery::sim {
namespace {

// A node that uses every call of the seam and whose acts depend on the answers.
class Busy : public env::Node {
 public:
  void boot(env::Env& env, const env::BootInfo& info) override {
    if (const auto kept = env.store.get(as_bytes("count"))) count_ = Reader(kept->view()).u64();
    env.timers.arm(env.clock.mono() + Duration::seconds(1), {1, info.boot, count_});
    env.transport.dial({"/ip4/127.0.0.1/tcp/1"});
  }
  void on(env::Env& env, const env::Event& event) override {
    ++count_;
    const std::uint64_t draw = env.random.u64(stream_id("busy"));
    Writer out;
    out.u64(count_).u64(draw).i64(env.clock.wall().ns);
    const env::SendStatus sent =
        env.transport.send({1}, env::Channel::kReliable, Buffer(out.view()));
    const std::uint64_t batch = env.store.apply(
        {{Bytes(as_bytes("count").begin(), as_bytes("count").end()),
          Buffer(Writer().u64(count_).take())}});
    if (sent == env::SendStatus::kQueueFull) env.transport.drop({1});
    if (env.transport.queued({1}, env::Channel::kReliable) > 100) env.store.sync(batch, {2});
    if (std::holds_alternative<env::Request>(event)) {
      env.replies.reply(std::get<env::Request>(event).id, Buffer(out.view()));
      env.compute.submit({.sampling_seed = draw}, {3});
    }
    env.trace.emit({.kind = 300, .n = {count_}});
  }
  Digest128 fold(Digest128 digest) const override { return digest; }

 private:
  std::uint64_t count_ = 0;
};

// A real environment in miniature, recorded as the live host records.
class Recording final : public env::Clock,
                        public env::Timers,
                        public env::Random,
                        public env::Transport,
                        public env::Trace,
                        public env::Replies,
                        public env::Log,
                        public env::Memo {
 public:
  Recording() : store_([](std::uint64_t, env::Cookie) {}) {}

  void boot(std::uint64_t boot, std::uint64_t disk) {
    recorded_.emplace(env_);
    node_ = std::make_unique<Busy>();
    streams_.clear();
    boot_ = {.boot = boot, .random_seed = 40 + boot, .store_identity = disk,
             .store_sequence = store_.sequence(), .wall_error = Duration{1}, .mono = now_,
             .wall = now_};
    recorded_->begin(boot_);
    node_->boot(recorded_->env(), {boot});
    log.push_back({boot_, recorded_->end()});
  }
  void hear(env::Event event) {
    now_ = now_ + Duration::millis(10);
    const env::FlightHeard heard{now_, now_ + Duration::seconds(1000), std::move(event)};
    recorded_->begin(heard);
    wall_ = heard.wall;
    node_->on(recorded_->env(), heard.event);
    log.push_back({heard, recorded_->end()});
  }
  // The process dies; the disk keeps `kept` batches.
  void crash(std::uint64_t kept) {
    store_.mark_durable(kept);
    store_.crash();
  }
  std::uint64_t batches() const { return store_.sequence(); }

  std::vector<FlightStep> log;
  std::deque<env::SendStatus> statuses;

 private:
  class Jobs final : public env::Compute {
   public:
    std::uint64_t submit(const env::JobSpec&, env::Cookie) override { return ++jobs_; }
    void cancel(std::uint64_t) override {}
    std::uint32_t device_class() const override { return 0; }

   private:
    std::uint64_t jobs_ = 0;
  };
  Time mono() const override { return now_; }
  Time wall() const override { return wall_; }
  Duration wall_error() const override { return Duration{1}; }
  std::uint64_t arm(Time, env::Cookie) override { return ++timers_; }
  void cancel(std::uint64_t) override {}
  std::uint64_t u64(std::uint64_t stream) override {
    return streams_.try_emplace(stream, boot_.random_seed, boot_.boot, stream).first->second.next();
  }
  env::Address self() const override { return {boot_.self}; }
  env::SendStatus send(env::PeerId, env::Channel, const Buffer&) override {
    if (statuses.empty()) return env::SendStatus::kQueued;
    const env::SendStatus status = statuses.front();
    statuses.pop_front();
    return status;
  }
  void dial(const env::Address&) override {}
  void drop(env::PeerId) override {}
  std::size_t queued(env::PeerId, env::Channel) const override { return ++queued_ % 200; }
  void emit(const env::TraceEvent&) override {}
  void reply(std::uint64_t, Buffer) override {}
  void write(env::LogLevel, std::string_view) override {}

  SimStore store_;
  Jobs jobs_;
  env::Env env_{*this, *this, *this, *this, store_, jobs_, *this, *this, *this, *this};
  std::optional<env::Recorded> recorded_;
  std::unique_ptr<env::Node> node_;
  env::FlightBoot boot_;
  Time now_{};
  Time wall_{};
  std::uint64_t timers_ = 0;
  mutable std::size_t queued_ = 90;
  std::map<std::uint64_t, RandomStream> streams_;
};

class FlightReplayTest : public testing::Test {
 protected:
  // Index of the first step that differs; nothing if all are equal.
  std::optional<std::size_t> first_difference() {
    env::Memo memo;
    FlightReplay replay([] { return std::make_unique<Busy>(); }, memo);
    for (std::size_t i = 0; i < recording_.log.size(); ++i) {
      const auto equal = replay.execute(recording_.log[i]);
      EXPECT_TRUE(equal) << equal.error().message;
      if (!equal || !*equal) return i;
    }
    return std::nullopt;
  }
  void live(int events) {
    for (int i = 0; i < events; ++i) {
      if (i % 3 == 0) {
        recording_.hear(env::Request{static_cast<std::uint64_t>(i), {}});
      } else {
        recording_.hear(env::TimerFired{static_cast<std::uint64_t>(i), {1}});
      }
    }
  }
  Recording recording_;
};

TEST_F(FlightReplayTest, ALifeReplaysToItsDigests) {
  recording_.statuses = {env::SendStatus::kQueued, env::SendStatus::kQueueFull,
                         env::SendStatus::kNotConnected};
  recording_.boot(0, 7);
  live(50);
  EXPECT_EQ(first_difference(), std::nullopt);
}

TEST_F(FlightReplayTest, ACrashLosesTheSameBatches) {
  recording_.boot(0, 7);
  live(20);
  recording_.crash(recording_.batches() - 5);
  recording_.boot(1, 7);
  live(20);
  EXPECT_EQ(first_difference(), std::nullopt);
}

TEST_F(FlightReplayTest, ANewDiskIsEmpty) {
  recording_.boot(0, 7);
  live(20);
  recording_.crash(0);
  recording_.boot(0, 8);
  live(20);
  EXPECT_EQ(first_difference(), std::nullopt);
}

TEST_F(FlightReplayTest, AStepWhoseAnswersWereLostIsExecutedAllTheSame) {
  recording_.boot(0, 7);
  live(20);
  recording_.log.back().answered.reset();
  recording_.crash(recording_.batches());
  recording_.boot(1, 7);
  live(5);
  EXPECT_EQ(first_difference(), std::nullopt);
}

TEST_F(FlightReplayTest, AnotherAnswerIsFoundAtItsStep) {
  recording_.boot(0, 7);
  live(20);
  auto& heard = std::get<env::FlightHeard>(recording_.log[9].begun);
  heard.wall = heard.wall + Duration{1};
  EXPECT_EQ(first_difference(), 9u);
}

TEST_F(FlightReplayTest, AnotherEventIsFoundAtItsStep) {
  recording_.boot(0, 7);
  live(20);
  std::get<env::FlightHeard>(recording_.log[5].begun).event = env::TimerFired{99, {1}};
  EXPECT_EQ(first_difference(), 5u);
}

TEST_F(FlightReplayTest, ADiskThatKnowsMoreThanTheLogIsAnError) {
  recording_.boot(0, 7);
  live(5);
  recording_.boot(1, 7);
  std::get<env::FlightBoot>(recording_.log.back().begun).store_sequence = 1000;
  env::Memo memo;
  FlightReplay replay([] { return std::make_unique<Busy>(); }, memo);
  for (std::size_t i = 0; i + 1 < recording_.log.size(); ++i) {
    ASSERT_TRUE(replay.execute(recording_.log[i]));
  }
  const auto last = replay.execute(recording_.log.back());
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::kMalformed);
}

TEST_F(FlightReplayTest, AnEventBeforeAnyBootIsAnError) {
  env::Memo memo;
  FlightReplay replay([] { return std::make_unique<Busy>(); }, memo);
  EXPECT_FALSE(replay.execute({env::FlightHeard{{}, {}, env::TimerFired{}}, std::nullopt}));
}

}  // namespace
}  // namespace orrery::sim

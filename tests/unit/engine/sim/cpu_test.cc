// Processors that take time: a busy node hears of things later, in the order in which they came.
#include <gtest/gtest.h>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

Time at(Duration d) { return Time{d.ns}; }

// Node 1 has a session with node 0, which takes `cpu` time.
struct Slow : TestWorld {
  explicit Slow(CpuProfile cpu, Script script = {}) {
    add(std::move(script), {.cpu = cpu});
    add(dials("sim/0"));
    run(Duration::seconds(1));
  }
  void send(std::string_view text) {
    env(1).transport.send({0}, env::Channel::kReliable, buffer(text));
  }
  std::vector<Duration> arrivals() const {
    std::vector<Duration> times;
    for (const auto& [time, message] : all<env::MessageIn>(0)) {
      times.push_back(time - at(Duration::millis(1010)));
    }
    return times;
  }
};

TEST(Cpu, ABusyNodeTakesMessagesOneAfterTheOther) {
  Slow world({.message = Duration::millis(5)});
  for (const char* text : {"a", "b", "c"}) world.send(text);
  world.run(Duration::seconds(2));
  EXPECT_EQ(world.messages(0), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(world.arrivals(),
            (std::vector<Duration>{Duration{}, Duration::millis(5), Duration::millis(10)}));
}

TEST(Cpu, BytesCountAndAnIdleNodeAnswersAtOnce) {
  Slow world({.message = Duration::millis(1), .message_byte = Duration::micros(10)});
  world.send(std::string(400, 'x'));
  world.send("after 5 ms");
  world.run(Duration::millis(1100));
  world.send("at once");
  world.run(Duration::seconds(2));
  EXPECT_EQ(world.arrivals(),
            (std::vector<Duration>{Duration{}, Duration::millis(5), Duration::millis(100)}));
}

TEST(Cpu, EventsOfAllKindsWaitInOneLine) {
  Slow world({.message = Duration::millis(50), .timer = Duration::millis(7)});
  world.env(0).timers.arm(at(Duration::millis(1020)), {1});
  world.send("first");
  world.simulator->inject_request(at(Duration::millis(1030)), 0, 9, buffer("ask"));
  world.run(Duration::seconds(2));
  EXPECT_EQ(world.all<env::TimerFired>(0).at(0).first, at(Duration::millis(1060)));
  EXPECT_EQ(world.all<env::Request>(0).at(0).first, at(Duration::millis(1067)));
}

TEST(Cpu, ATimerThatIsCancelledWhileItWaitsNeverFires) {
  std::uint64_t timer = 0;
  Slow world({.message = Duration::millis(50)}, {.on = [&](env::Env& env, const env::Event& event) {
               const auto* message = std::get_if<env::MessageIn>(&event);
               if (message != nullptr && as_text(message->payload.view()) == "cancel") {
                 env.timers.cancel(timer);
               }
             }});
  timer = world.env(0).timers.arm(at(Duration::millis(1020)), {1});
  world.send("busy");
  world.send("cancel");
  world.run(Duration::seconds(2));
  EXPECT_EQ(world.all<env::TimerFired>(0).size(), 0u) << "it stood in line before the cancel";
  world.send("still alive");
  world.run(Duration::seconds(3));
  EXPECT_EQ(world.messages(0).back(), "still alive");
}

TEST(Cpu, ACrashEmptiesTheLine) {
  Slow world({.message = Duration::millis(50)});
  for (int i = 0; i < 10; ++i) world.send("x");
  world.run(Duration::millis(1100));
  const std::size_t heard = world.messages(0).size();
  world.simulator->crash({1, 2}, 0);
  world.simulator->restart({1, 2}, 0);
  world.run(Duration::seconds(3));
  EXPECT_EQ(world.messages(0).size(), heard);
  EXPECT_TRUE(world.simulator->is_up(0));
}

}  // namespace
}  // namespace orrery::sim

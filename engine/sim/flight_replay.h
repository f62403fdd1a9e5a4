// Executes the flight log of one live node again, in virtual time: the node's own code, fed with
// the events it heard at the instants it heard them and answered as it was answered. Its disk is a
// simulated one that goes through the same batches, crashes included.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "engine/env/flight.h"
#include "engine/env/memo.h"

namespace orrery::sim {

// One handler's run: what began it, and what it was answered. A crash may have taken the answers.
struct FlightStep {
  std::variant<env::FlightBoot, env::FlightHeard, env::FlightStop> begun;
  std::optional<env::FlightAnswered> answered;

  Time wall() const;          // of boot and event; 0 of a stop
  std::string text() const;  // for people: "message from peer 3, 120 bytes"
};

class FlightReplay {
 public:
  using Factory = std::function<std::unique_ptr<env::Node>()>;

  // The node is made anew at each boot. `memo` outlives this object.
  FlightReplay(Factory factory, env::Memo& memo);
  ~FlightReplay();
  FlightReplay(const FlightReplay&) = delete;
  FlightReplay& operator=(const FlightReplay&) = delete;

  // Trace events go here, with the wall time of their step. Sinks outlive this object.
  void add_sink(env::TraceSink& sink);
  // Called at each message that the node sent and the network took.
  using SendFunction = std::function<void(Time wall, env::PeerId to, const Buffer& payload)>;
  void on_send(SendFunction function);

  // Executes the step. True: same digest as recorded, or none was. False: the first step that
  // differs; the replay has parted from the live node and must not go on. kMalformed: the log does
  // not fit together (an event before any boot, a disk that knows more than the log).
  Result<bool> execute(const FlightStep& step);

  const env::Node* node() const;  // null between lives
  std::uint64_t steps() const;
  std::uint64_t compared() const;  // steps whose digest was there to compare
  std::uint64_t boots() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::sim

// The scenario's load: users that ask at random times. Each user and stream draws from a random
// stream of its own, so that one user more or less changes nobody else's requests, and the same
// file asks the same things of a simulated and of a live network.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/time.h"
#include "harness/run/inference.h"
#include "scenarios/schema/scenario.h"

namespace orrery::run {

// Requests of one user in one stream, one after the other.
class LoadSource {
 public:
  virtual ~LoadSource() = default;
  virtual std::uint32_t user() const = 0;
  virtual Time start() const = 0;
  // The instant of the request after one at `after`; kNever at the end of the stream.
  virtual Time next_time(Time after) = 0;
  // Id (unique in the run) and encoded chain::UserRequest of the next request.
  virtual std::uint64_t next_id() = 0;
  virtual Bytes next_request() = 0;
};

// `scenario` and `inference` outlive the sources.
std::vector<std::shared_ptr<LoadSource>> make_load(const scenario::Scenario& scenario,
                                                   const Inference& inference);

}  // namespace orrery::run

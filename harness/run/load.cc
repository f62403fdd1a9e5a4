// The scenario's load: users that ask at random times. Each user and stream draws from a random
// stream of its own, so that one user more or less changes nobody else's requests.
#include <array>
#include <memory>
#include <string_view>

#include "engine/base/random.h"
#include "gpu/api/inference.h"
#include "harness/run/keys.h"
#include "harness/run/world.h"
#include "protocol/node/user.h"

namespace orrery::run {
namespace {

constexpr std::array<std::string_view, 24> kWords = {
    "the",   "planet", "orbit",  "why",   "does",  "a",     "model", "learn",
    "chain", "block",  "moon",   "how",   "many",  "gears", "turn",  "slowly",
    "tell",  "me",     "about",  "light", "tides", "and",   "stars", "today"};

// A text of exactly `bytes` bytes made of words.
Bytes make_prompt(RandomStream& random, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    if (!text.empty()) text += ' ';
    text += kWords[random.below(kWords.size())];
  }
  text.resize(bytes);
  return Bytes(text.begin(), text.end());
}

struct Source {
  const scenario::LoadSpec& spec;
  std::uint32_t user;
  Hash256 model;
  chain::Address to;  // of transfers: the next user of the stream
  RandomStream random;
  Distribution interval;
  Distribution prompt;
  Distribution tokens;
  std::uint64_t id = 0;  // of the next request: the stream in the high half

  Bytes next_request() {
    chain::UserRequest request;
    if (spec.kind == "transfer") {
      request.kind = chain::UserRequest::Kind::kTransfer;
      request.to = to;
      request.amount = spec.amount;
      return chain::encode(request);
    }
    gpu::SamplingParams params;
    params.max_tokens = static_cast<std::uint32_t>(tokens.at(random.next()));
    params.temperature = gpu::kTemperatureOne;
    request.task.model = model;
    request.task.priority = static_cast<chain::Priority>(spec.priority);
    request.task.prompt = make_prompt(random, static_cast<std::size_t>(prompt.at(random.next())));
    request.task.params = params.encode();
    return chain::encode(request);
  }
};

void schedule_next(sim::Simulator& simulator, const std::shared_ptr<Source>& source, Time after) {
  const Time at = after + Duration{source->interval.at(source->random.next())};
  if (at >= source->spec.stop) return;
  simulator.call_at(at, [&simulator, source, at] {
    simulator.inject_request(at, source->user, source->id++, Buffer(source->next_request()));
    schedule_next(simulator, source, at);
  });
}

Distribution distribution(DistributionSpec spec) {
  auto made = Distribution::make(spec);
  ENSURE(made.has_value(), "the loader lets only valid distributions through");
  return std::move(*made);
}

}  // namespace

void schedule_load(const scenario::Scenario& scenario, const Inference& inference,
                   sim::Simulator& simulator) {
  for (std::size_t stream = 0; stream < scenario.load.size(); ++stream) {
    const scenario::LoadSpec& spec = scenario.load[stream];
    for (std::size_t i = 0; i < spec.users.size(); ++i) {
      const std::uint32_t next = spec.users[(i + 1) % spec.users.size()];
      const auto key = account_key(scenario, scenario.nodes[next].name).public_key();
      auto source = std::make_shared<Source>(Source{
          .spec = spec,
          .user = spec.users[i],
          .model = spec.model.empty() ? Hash256{} : inference.digest(spec.model),
          .to = chain::address_of(key),
          .random = RandomStream(scenario.seed, spec.users[i], stream_id("load/" + spec.name)),
          .interval = distribution({.kind = DistributionKind::kExp, .a = spec.mean_interval_ns}),
          .prompt = distribution(spec.prompt_bytes),
          .tokens = distribution(spec.output_tokens),
          .id = (static_cast<std::uint64_t>(stream) << 48) |
                (static_cast<std::uint64_t>(spec.users[i]) << 24)});
      schedule_next(simulator, source, spec.start);
    }
  }
}

}  // namespace orrery::run

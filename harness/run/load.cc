#include "harness/run/load.h"

#include <map>
#include <memory>

#include "engine/base/random.h"
#include "gpu/api/inference.h"
#include "harness/run/keys.h"
#include "harness/run/prompts.h"
#include "protocol/node/user.h"

namespace orrery::run {
namespace {

Distribution distribution(DistributionSpec spec) {
  auto made = Distribution::make(spec);
  ENSURE(made.has_value(), "the loader lets only valid distributions through");
  return std::move(*made);
}

struct Source final : LoadSource {
  Source(const scenario::LoadSpec& s, std::uint32_t of, RandomStream stream)
      : spec(s),
        node(of),
        random(stream),
        interval(distribution({.kind = DistributionKind::kExp, .a = s.mean_interval_ns})),
        prompt(distribution(s.prompt_bytes)),
        tokens(distribution(s.output_tokens)) {}

  std::uint32_t user() const override { return node; }
  Time start() const override { return spec.start; }
  Time next_time(Time after) override {
    const Time at = after + Duration{interval.at(random.next())};
    return at < spec.stop ? at : kNever;
  }
  std::uint64_t next_id() override { return id++; }
  Bytes next_request() override;

  const scenario::LoadSpec& spec;
  std::uint32_t node;
  Hash256 model;
  chain::Address to;  // of transfers: the next user of the stream
  RandomStream random;
  Distribution interval;
  std::shared_ptr<const Prompts> prompts;  // of the model; all sources that ask it share them
  Distribution prompt;
  Distribution tokens;
  std::uint64_t id = 0;  // of the next request: the stream in the high half
};

Bytes Source::next_request() {
  chain::UserRequest request;
  if (spec.kind == "transfer") {
    request.kind = chain::UserRequest::Kind::kTransfer;
    request.to = to;
    request.amount = spec.amount;
    return chain::encode(request);
  }
  if (spec.kind == "unstake") {
    request.kind = chain::UserRequest::Kind::kUnstake;
    request.amount = spec.amount;
    return chain::encode(request);
  }
  gpu::SamplingParams params;
  params.max_tokens = static_cast<std::uint32_t>(tokens.at(random.next()));
  params.temperature = gpu::kTemperatureOne;
  request.task.model = model;
  request.task.priority = static_cast<chain::Priority>(spec.priority);
  request.task.prompt = prompts->draw(random, static_cast<std::size_t>(prompt.at(random.next())));
  request.task.params = params.encode();
  return chain::encode(request);
}

}  // namespace

std::vector<std::shared_ptr<LoadSource>> make_load(const scenario::Scenario& scenario,
                                                   const Inference& inference) {
  std::vector<std::shared_ptr<LoadSource>> sources;
  std::map<std::string, std::shared_ptr<const Prompts>> prompts;
  for (const scenario::ModelSpec& model : scenario.models) {
    auto made = Prompts::make(model.generator);
    ENSURE(made.has_value(), "Inference has made the model");
    prompts[model.name] = std::make_shared<const Prompts>(std::move(*made));
  }
  for (std::size_t stream = 0; stream < scenario.load.size(); ++stream) {
    const scenario::LoadSpec& spec = scenario.load[stream];
    for (std::size_t i = 0; i < spec.users.size(); ++i) {
      const std::uint32_t user = spec.users[i];
      const std::uint32_t next = spec.users[(i + 1) % spec.users.size()];
      auto source = std::make_shared<Source>(
          spec, user, RandomStream(scenario.seed, user, stream_id("load/" + spec.name)));
      if (!spec.model.empty()) {
        source->model = inference.digest(spec.model);
        source->prompts = prompts.at(spec.model);
      }
      source->to = chain::address_of(account_key(scenario, scenario.nodes[next].name).public_key());
      source->id =
          (static_cast<std::uint64_t>(stream) << 48) | (static_cast<std::uint64_t>(user) << 24);
      sources.push_back(std::move(source));
    }
  }
  return sources;
}

}  // namespace orrery::run

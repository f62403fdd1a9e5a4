#include "harness/model/retraining.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "engine/base/ensure.h"
#include "engine/base/random.h"
#include "gpu/cpu/f32_network.h"
#include "harness/model/trainer.h"

namespace orrery::model {
namespace {

void shuffle(std::vector<std::size_t>& list, RandomStream random) {
  for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[random.below(i)]);
}

// Examples side by side, filled up to the longest.
struct Padded {
  std::vector<std::uint32_t> inputs;
  std::vector<std::uint32_t> targets;
  std::uint32_t count = 0;
  std::uint32_t length = 0;

  gpu::TokenBatch batch() const { return {inputs, targets, count, length}; }
};

Padded pad(std::span<const Example> examples, std::span<const std::size_t> members) {
  Padded out;
  out.count = static_cast<std::uint32_t>(members.size());
  for (const std::size_t m : members) {
    out.length = std::max(out.length, static_cast<std::uint32_t>(examples[m].inputs.size()));
  }
  out.inputs.assign(members.size() * out.length, gpu::kTokenEos);
  out.targets.assign(members.size() * out.length, gpu::kNoTarget);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Example& e = examples[members[i]];
    const auto at = static_cast<std::ptrdiff_t>(i * out.length);
    std::copy(e.inputs.begin(), e.inputs.end(), out.inputs.begin() + at);
    std::copy(e.targets.begin(), e.targets.end(), out.targets.begin() + at);
  }
  return out;
}

float rate_at(const EpochOptions& o, std::size_t step, std::size_t steps) {
  const std::size_t rise = steps / 20;
  if (step < rise) return o.rate * static_cast<float>(step + 1) / static_cast<float>(rise);
  const float left = static_cast<float>(steps - step) / static_cast<float>(steps - rise);
  return o.rate * (0.1f + 0.9f * left);
}

}  // namespace

gpu::F32Model train_on(const EpochOptions& o, std::span<const Example> examples,
                       std::span<const std::size_t> members, const AfterEpoch& after) {
  ENSURE(o.batch > 0 && o.epochs > 0, "at least one example and one epoch");
  gpu::F32Model model = gpu::make_f32_model(o.config, o.seed);
  gpu::F32Network network(o.config, gpu::available_kernels().back());
  gpu::OptimizerState state = gpu::make_optimizer_state(o.optimizer, model.values.size());
  const std::vector<std::uint8_t> decays = decaying(o.config);
  std::vector<float> gradient(model.values.size());
  const std::size_t steps = (members.size() + o.batch - 1) / o.batch * o.epochs;
  for (std::uint32_t epoch = 1; epoch <= o.epochs; ++epoch) {
    std::vector<std::size_t> order(members.begin(), members.end());
    shuffle(order, RandomStream(o.seed, epoch, stream_id("retraining.order")));
    for (std::size_t at = 0; at < order.size(); at += o.batch) {
      const std::size_t size = std::min<std::size_t>(o.batch, order.size() - at);
      const Padded padded = pad(examples, std::span(order).subspan(at, size));
      std::fill(gradient.begin(), gradient.end(), 0.0f);
      network.gradient(model, padded.batch(), 1.0f, gradient);
      const float rate = rate_at(o, state.steps, steps);
      gpu::optimizer_step(o.optimizer, state, {rate, decays, gradient, model.values});
    }
    if (after) after(epoch, model);
  }
  return model;
}

std::vector<float> losses_of(const gpu::F32Model& model, std::span<const Example> queries) {
  gpu::F32Network network(model.config, gpu::available_kernels().back());
  std::vector<float> out;
  for (const Example& q : queries) {
    const auto length = static_cast<std::uint32_t>(q.inputs.size());
    out.push_back(network.loss(model, {q.inputs, q.targets, 1, length}));
  }
  return out;
}

std::vector<double> Retrained::gains(std::size_t query, std::uint32_t from,
                                     std::uint32_t to) const {
  ENSURE(from < to && to <= seeds, "seeds there are");
  std::vector<double> out;
  for (std::size_t s = 0; s < subsets.size(); ++s) {
    double sum = 0;
    for (std::uint32_t r = from; r < to; ++r) sum -= static_cast<double>(loss(s, r, query));
    out.push_back(sum / (to - from));
  }
  return out;
}

Retrained retrain(const EpochOptions& options, std::span<const Example> examples,
                  std::span<const Example> queries, std::vector<std::vector<std::size_t>> subsets,
                  std::uint32_t seeds, gpu::Parallel* parallel) {
  Retrained out{std::move(subsets), seeds, queries.size(), {}};
  const std::size_t jobs = out.subsets.size() * seeds;
  out.losses.resize(jobs * queries.size());
  std::atomic<std::size_t> next = 0;  // who trains what does not matter: results have their places
  const auto work = [&](std::uint32_t) {
    for (std::size_t job = next++; job < jobs; job = next++) {
      EpochOptions mine = options;
      mine.seed = 1 + job % seeds;
      const auto losses = losses_of(train_on(mine, examples, out.subsets[job / seeds]), queries);
      std::copy(losses.begin(), losses.end(),
                out.losses.begin() + static_cast<std::ptrdiff_t>(job * queries.size()));
    }
  };
  gpu::Serial serial;
  (parallel != nullptr ? *parallel : static_cast<gpu::Parallel&>(serial)).each_part(work);
  return out;
}

std::vector<std::size_t> random_half(std::size_t n, std::size_t index, std::uint64_t seed) {
  std::vector<std::size_t> all(n);
  std::iota(all.begin(), all.end(), std::size_t{0});
  shuffle(all, RandomStream(seed, index, stream_id("retraining.subset")));
  all.resize(n / 2);
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<std::vector<std::size_t>> random_halves(std::size_t n, std::size_t count,
                                                    std::uint64_t seed) {
  std::vector<std::vector<std::size_t>> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(random_half(n, i, seed));
  return out;
}

}  // namespace orrery::model

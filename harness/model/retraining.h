// Training small models on any part of a list of examples, again and again: what an example really
// changed is seen by training without it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "gpu/api/f32_model.h"
#include "gpu/cpu/f32_optimizer.h"
#include "gpu/cpu/parallel.h"
#include "harness/model/attribution.h"

namespace orrery::model {

// The rate rises linearly over the first twentieth of the steps and falls linearly to a tenth.
struct EpochOptions {
  gpu::ModelConfig config;
  std::uint64_t seed = 1;  // of the initial weights and of the order of examples
  std::uint32_t epochs = 20;
  std::uint32_t batch = 8;  // examples a step
  float rate = 8e-3f;
  gpu::OptimizerOptions optimizer;
};

// Called after an epoch, counted from 1.
using AfterEpoch = std::function<void(std::uint32_t epoch, const gpu::F32Model& model)>;

// Trains on examples[members[i]]; no members leave the initial weights. Each epoch takes every
// member once, in an order drawn for (seed, epoch). Shorter examples of a batch are filled up with
// positions that do not count. One thread; the same bits everywhere.
gpu::F32Model train_on(const EpochOptions& options, std::span<const Example> examples,
                       std::span<const std::size_t> members, const AfterEpoch& after = {});

// Mean negative log likelihood of each query's answer, nats a token.
std::vector<float> losses_of(const gpu::F32Model& model, std::span<const Example> queries);

// Losses after training on each of several subsets with each of several seeds (1, 2, ...).
struct Retrained {
  std::vector<std::vector<std::size_t>> subsets;
  std::uint32_t seeds = 0;
  std::size_t queries = 0;
  std::vector<float> losses;  // [subset][seed][query]

  float loss(std::size_t subset, std::uint32_t seed, std::size_t query) const {
    return losses[(subset * seeds + seed) * queries + query];
  }
  // Of one query, a subset after the other: minus the mean loss over seeds [from, to).
  std::vector<double> gains(std::size_t query, std::uint32_t from, std::uint32_t to) const;
};

// Trainings are shared among the threads of `parallel` (may be null); the result does not depend on
// them. options.seed is ignored.
Retrained retrain(const EpochOptions& options, std::span<const Example> examples,
                  std::span<const Example> queries, std::vector<std::vector<std::size_t>> subsets,
                  std::uint32_t seeds, gpu::Parallel* parallel);

// Whoever attributes by models of random halves draws these with this seed (the judge of a bench
// with another), counts the models' seeds from it, and takes their states after so many sixths of
// training and each one on.
inline constexpr std::uint64_t kHalvesSeed = 1'000;
inline constexpr std::uint32_t kTrainingParts = 6;
inline constexpr std::uint32_t kLateParts = 4;

// Half of [0, n), sorted, drawn for (seed, index); and the first `count` of these.
std::vector<std::size_t> random_half(std::size_t n, std::size_t index, std::uint64_t seed);
std::vector<std::vector<std::size_t>> random_halves(std::size_t n, std::size_t count,
                                                    std::uint64_t seed);

}  // namespace orrery::model

#include "harness/model/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/model/thread_pool.h"

namespace orrery::model {
namespace {

using testing::HasSubstr;

TrainOptions tiny() {
  return {.config = {.dim = 32, .hidden = 64, .layers = 1, .heads = 2, .context = 32},
          .steps = 30,
          .batch = 4,
          .length = 32,
          .warmup = 5,
          .optimizer = {}};
}

std::vector<std::uint32_t> data() { return token_stream(*make_corpus({.contributors = 3})); }

Trainer start(const TrainOptions& options, gpu::Parallel* parallel = nullptr) {
  auto trainer = Trainer::start(options, data(), parallel);
  EXPECT_TRUE(trainer) << trainer.error().message;
  return std::move(*trainer);
}

TEST(Trainer, LearnsAndIsPinnedToTheBitOnAnyNumberOfThreads) {
  ThreadPool pool(2);
  for (gpu::Parallel* parallel :
       {static_cast<gpu::Parallel*>(nullptr), static_cast<gpu::Parallel*>(&pool)}) {
    Trainer trainer = start(tiny(), parallel);
    const float first = *trainer.step();
    float last = 0;
    while (!trainer.done()) last = *trainer.step();
    EXPECT_NEAR(first, 5.55, 0.1);  // ln 258
    EXPECT_LT(last, 4.0);
    EXPECT_EQ(to_hex(trainer.digest()),
              "85bac82ad11298edce75268136d50046fa74181c9bffb74816066c9d5274b35c");
  }
}

TEST(Trainer, ResumesToTheSameDigest) {
  for (const auto method :
       {gpu::OptimizerOptions::Method::kAdamW, gpu::OptimizerOptions::Method::kSgd}) {
    TrainOptions options = tiny();
    options.optimizer.method = method;
    Trainer whole = start(options);
    Bytes half;
    while (!whole.done()) {
      if (whole.steps() == 11) half = whole.checkpoint();
      whole.step();
    }
    auto resumed = Trainer::resume(options, data(), nullptr, half);
    ASSERT_TRUE(resumed) << resumed.error().message;
    EXPECT_EQ(resumed->steps(), 11u);
    while (!resumed->done()) resumed->step();
    EXPECT_EQ(resumed->digest(), whole.digest());
    EXPECT_EQ(parameters_digest(resumed->model()), parameters_digest(whole.model()));
  }
}

TEST(Trainer, RefusesCheckpointsOfOtherRunsAndBrokenOnes) {
  Trainer trainer = start(tiny());
  trainer.step();
  const Bytes good = trainer.checkpoint();
  TrainOptions other = tiny();
  other.rate = 1e-3f;
  EXPECT_THAT(Trainer::resume(other, data(), nullptr, good).error().message,
              HasSubstr("other options"));
  auto stream = data();
  stream[5] ^= 1;
  EXPECT_THAT(Trainer::resume(tiny(), stream, nullptr, good).error().message,
              HasSubstr("other data"));
  Bytes flipped = good;
  flipped.back() ^= 1;
  EXPECT_THAT(Trainer::resume(tiny(), data(), nullptr, flipped).error().message,
              HasSubstr("digest does not fit"));
  EXPECT_FALSE(Trainer::resume(tiny(), data(), nullptr, Bytes(100)));
}

TEST(Trainer, RefusesOptionsThatCannotBe) {
  TrainOptions options = tiny();
  options.length = 33;
  EXPECT_THAT(Trainer::start(options, data(), nullptr).error().message, HasSubstr("length 33"));
  EXPECT_THAT(Trainer::start(tiny(), {1, 2, 3}, nullptr).error().message, HasSubstr("too few"));
  auto stream = data();
  stream[7] = 258;
  EXPECT_THAT(Trainer::start(tiny(), stream, nullptr).error().message, HasSubstr("token 258"));
}

}  // namespace
}  // namespace orrery::model

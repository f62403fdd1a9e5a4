#include "engine/sim/store.h"

#include "tests/unit/engine/sim/store_contract.h"

namespace orrery::env {
namespace {

class SimRig final : public StoreRig {
 public:
  Store& store() override { return store_; }
  std::vector<Synced> settle() override {
    for (const Synced& synced : asked_) store_.mark_durable(synced.sequence);
    return std::exchange(asked_, {});
  }
  void crash() override {
    asked_.clear();
    store_.crash();
  }

 private:
  std::vector<Synced> asked_;
  sim::SimStore store_{[this](std::uint64_t sequence, Cookie cookie) {
    asked_.push_back({sequence, cookie, true});
  }};
};

std::unique_ptr<StoreRig> make_rig() { return std::make_unique<SimRig>(); }

INSTANTIATE_TEST_SUITE_P(Simulated, StoreContract, testing::Values(&make_rig));

TEST(SimStore, ACrashUndoesExactlyWhatIsNotDurable) {
  sim::SimStore store([](std::uint64_t, Cookie) {});
  const auto write = [&](std::uint8_t k, std::uint8_t v) {
    return store.apply({{{k}, Buffer(Bytes{v})}});
  };
  write(1, 10);
  const std::uint64_t durable = write(2, 20);
  store.mark_durable(durable);
  write(1, 11);
  write(3, 30);
  store.apply({{{2}, std::nullopt}});
  EXPECT_EQ(store.durable(Bytes{1}), Buffer(Bytes{10}));
  EXPECT_EQ(store.durable(Bytes{2}), Buffer(Bytes{20}));
  EXPECT_EQ(store.durable(Bytes{3}), std::nullopt);
  EXPECT_EQ(store.crash(), 3u);
  EXPECT_EQ(store.get(Bytes{1}), Buffer(Bytes{10}));
  EXPECT_EQ(store.get(Bytes{2}), Buffer(Bytes{20}));
  EXPECT_EQ(store.get(Bytes{3}), std::nullopt);
  EXPECT_EQ(store.sequence(), durable);
}

TEST(SimStore, AWipeLosesDurableWritesToo) {
  sim::SimStore store([](std::uint64_t, Cookie) {});
  store.mark_durable(store.apply({{{1}, Buffer(Bytes{1})}}));
  EXPECT_EQ(store.wipe(), 1u);
  EXPECT_EQ(store.get(Bytes{1}), std::nullopt);
  EXPECT_EQ(store.durable_sequence(), 0u);
}

TEST(SimStore, RefusesWhatOnlyABugCouldAsk) {
  sim::SimStore store([](std::uint64_t, Cookie) {});
  EXPECT_THROW(store.sync(1, {}), EnsureFailure);
  EXPECT_THROW(store.get_at(7, Bytes{1}), EnsureFailure);
  EXPECT_THROW(store.release(7), EnsureFailure);
}

}  // namespace
}  // namespace orrery::env

// RocksDB over a simulated disk that loses power at any instant: what our store promises holds for
// it, and after each crash it holds what the simulated store would hold. Compared by content alone,
// for the files themselves depend on RocksDB's own threads and identifiers.
// ORRERY_CRASHES=n: crashes of each kind of loss (default 12).
#include <rocksdb/env.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>

#include "engine/base/codec.h"
#include "engine/live/rocks_store.h"
#include "engine/sim/store.h"
#include "tests/property/asked.h"
#include "tests/property/engine/rocks/sim_file_system.h"
#include "tests/unit/engine/sim/store_contract.h"

namespace orrery::rocks {
namespace {

using env::Synced;
using sim::CrashLoss;

// A store on a disk of its own, its loop, and the answers that came.
class Rig final : public env::StoreRig {
 public:
  Rig() { open(); }

  env::Store& store() override { return *store_; }
  live::RocksStore& rocks() { return *store_; }
  std::vector<Synced> settle() override {
    store_->sync(0, {.kind = kLast});  // answered in order, so after all others
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (answers_.empty() || answers_.back().cookie.kind != kLast) {
      if (std::chrono::steady_clock::now() > end) {
        ADD_FAILURE() << "a sync was never answered";
        return {};
      }
      loop_.restart();
      loop_.run_one_for(std::chrono::milliseconds(20));
    }
    answers_.pop_back();
    return std::exchange(answers_, {});
  }
  void crash() override { crash(CrashLoss::kLoseUnsynced, RandomStream(1, 2, 3)); }
  std::uint64_t crash(CrashLoss loss, RandomStream draws) {
    files_.power_off();
    store_.reset();
    answers_.clear();
    const std::uint64_t lost = files_.power_on(loss, draws);
    open();
    return lost;
  }
  std::uint64_t pending() const { return files_.pending(); }

 private:
  static constexpr std::uint32_t kLast = 999;

  void open() {
    auto made = live::RocksStore::open(
        loop_, "/disk/store", [this](Synced synced) { answers_.push_back(synced); }, {},
        env_.get());
    ASSERT_TRUE(made) << made.error().message;
    store_ = std::move(*made);
  }

  SimFiles files_;
  std::unique_ptr<rocksdb::Env> env_ =
      rocksdb::NewCompositeEnv(std::make_shared<SimFileSystem>(files_));
  boost::asio::io_context loop_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      loop_.get_executor()};
  std::vector<Synced> answers_;
  std::unique_ptr<live::RocksStore> store_;
};

std::unique_ptr<env::StoreRig> make_rig() { return std::make_unique<Rig>(); }

}  // namespace
}  // namespace orrery::rocks

namespace orrery::env {
namespace {
INSTANTIATE_TEST_SUITE_P(RocksOnSim, StoreContract, testing::Values(&rocks::make_rig));
}  // namespace
}  // namespace orrery::env

namespace orrery::rocks {
namespace {

using Content = std::vector<std::pair<Bytes, Bytes>>;

Content content(const env::Store& store) {
  Content all;
  for (const env::KeyValue& kv : store.scan(Bytes{0x00}, Bytes{0xff}, 1'000'000)) {
    const ByteView value = kv.value.view();
    all.emplace_back(kv.key, Bytes(value.begin(), value.end()));
  }
  return all;
}

// The n-th batch of a script: a few keys written or deleted, some of them large enough to make
// RocksDB write more than one sector.
env::WriteBatch batch_of(std::uint64_t seed, std::uint64_t n) {
  RandomStream draws(seed, n, stream_id("test.batch"));
  env::WriteBatch batch;
  for (std::uint64_t i = 1 + draws.below(4); i > 0; --i) {
    Bytes key{static_cast<std::uint8_t>('a' + draws.below(20))};
    if (draws.below(5) == 0) {
      batch.push_back({std::move(key), std::nullopt});
      continue;
    }
    Bytes value = Writer().u64(n).take();
    value.resize(value.size() + draws.below(3) * 700, static_cast<std::uint8_t>(n));
    batch.push_back({std::move(key), Buffer(std::move(value))});
  }
  return batch;
}

// What the simulated store holds after the first `count` batches.
Content expected(std::uint64_t seed, std::uint64_t count) {
  sim::SimStore store([](std::uint64_t, env::Cookie) {});
  for (std::uint64_t n = 1; n <= count; ++n) store.apply(batch_of(seed, n));
  store.mark_durable(count);
  return content(store);
}

int crashes() { return static_cast<int>(asked("ORRERY_CRASHES", 12)); }

struct Seen {
  std::uint64_t lost = 0;    // operations of the disk
  std::uint64_t partly = 0;  // crashes that kept some of what no sync had confirmed
};

// One store through many crashes: after each it holds a whole number of batches, not fewer than
// were confirmed, with the content that so many batches have.
Seen live_through(CrashLoss loss, std::uint64_t seed) {
  Seen seen;
  Rig rig;
  RandomStream draws(seed, static_cast<std::uint64_t>(loss), stream_id("test.crashes"));
  std::uint64_t written = 0;
  for (int crash = 0; crash < crashes(); ++crash) {
    std::uint64_t durable = written;
    for (std::uint64_t steps = draws.below(30); steps > 0; --steps) {
      ++written;
      EXPECT_EQ(rig.store().apply(batch_of(seed, written)), written);
      if (draws.below(6) != 0) continue;
      rig.store().sync(written, {});
      EXPECT_EQ(rig.settle().size(), 1u);
      durable = written;
    }
    const RandomStream own(seed, static_cast<std::uint64_t>(crash), stream_id("test.crash"));
    seen.lost += rig.crash(loss, own);
    const std::uint64_t kept = rig.rocks().sequence();
    EXPECT_GE(kept, durable) << "seed " << seed << ", crash " << crash;
    EXPECT_LE(kept, written);
    EXPECT_EQ(content(rig.store()), expected(seed, kept)) << "seed " << seed << ", crash " << crash;
    seen.partly += kept > durable ? 1 : 0;
    written = kept;
    if (testing::Test::HasFailure()) return seen;
  }
  return seen;
}

class Crashes : public testing::TestWithParam<CrashLoss> {};

TEST_P(Crashes, LeaveWhatTheSimulatedStoreWouldHold) {
  Seen all;
  for (std::uint64_t seed = 1; seed <= 3 && !HasFailure(); ++seed) {
    const Seen seen = live_through(GetParam(), seed);
    all.lost += seen.lost;
    all.partly += seen.partly;
  }
  EXPECT_GT(all.lost, 0u) << "no crash took anything";
  if (GetParam() == CrashLoss::kLoseUnsynced) {
    EXPECT_EQ(all.partly, 0u);
  } else {
    EXPECT_GT(all.partly, 0u) << "no crash kept anything that was not confirmed";
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, Crashes,
                         testing::Values(CrashLoss::kLoseUnsynced, CrashLoss::kKeepPrefix,
                                         CrashLoss::kKeepSubset, CrashLoss::kTorn));

TEST(RocksOnSim, AWipedDiskIsANewStore) {
  Rig rig;
  rig.store().sync(rig.store().apply(batch_of(1, 1)), {});
  rig.settle();
  const std::uint64_t identity = rig.rocks().identity();
  rig.crash(CrashLoss::kWipe, RandomStream(1, 1, 1));
  EXPECT_EQ(rig.rocks().sequence(), 0u);
  EXPECT_NE(rig.rocks().identity(), identity);
  EXPECT_TRUE(content(rig.store()).empty());
}

// The model itself: an unsynced entry is gone with its file, a synced one stays.
TEST(SimFiles, AFileNeedsItsContentAndItsNameSynced) {
  for (const bool name : {false, true}) {
    SimFiles files;
    files.make_folder("/d");
    const auto file = files.create("/d/f");
    files.append(file, "text");
    files.sync(file);
    if (name) files.sync_folder("/d");
    files.append(file, " and more");
    files.power_off();
    files.append(file, " too late");
    files.sync(file);
    EXPECT_GT(files.power_on(CrashLoss::kLoseUnsynced, RandomStream(1, 1, 1)), 0u);
    const auto found = files.find("/d/f");
    ASSERT_EQ(found != nullptr, name);
    if (!name) continue;
    EXPECT_EQ(files.read(found, 0, 100), "text");
  }
}

TEST(SimFiles, ATornWriteKeepsSomeOfItsSectors) {
  int torn = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimFiles files;
    files.make_folder("/d");
    const auto file = files.create("/d/f");
    files.sync(file);
    files.sync_folder("/d");
    files.append(file, std::string(5 * sim::kSectorBytes, 'x'));
    files.power_off();
    files.power_on(CrashLoss::kTorn, RandomStream(seed, 1, 1));
    const std::string left = files.read(files.find("/d/f"), 0, 10'000);
    const auto kept = std::count(left.begin(), left.end(), 'x');
    EXPECT_EQ(kept % static_cast<std::ptrdiff_t>(sim::kSectorBytes), 0);
    if (kept > 0 && kept < 5 * static_cast<std::ptrdiff_t>(sim::kSectorBytes)) ++torn;
  }
  EXPECT_GT(torn, 5);
}

}  // namespace
}  // namespace orrery::rocks

#include "engine/sim/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/unit/engine/sim/script_node.h"

namespace orrery::sim {
namespace {

using testing::HasSubstr;

// A store whose syncs are answered at once, as the host would.
struct Disk {
  SimStore store{[](std::uint64_t, env::Cookie) {}};

  std::uint64_t put(std::uint8_t key, std::string_view value) {
    return store.apply({{{key}, buffer(value)}});
  }
  bool put_durable(std::uint8_t key, std::string_view value) {
    return store.finish_sync(put(key, value));
  }
  std::string get(std::uint8_t key) const {
    const auto value = store.get(Bytes{key});
    return value ? std::string(as_text(value->view())) : "(none)";
  }
  std::string scan() const {
    std::string all;
    for (const env::KeyValue& pair : store.scan(Bytes{0}, Bytes{255}, 1000)) {
      all += std::to_string(pair.key[0]) + "=" + std::string(as_text(pair.value.view())) + " ";
    }
    return all;
  }
  std::uint64_t crash(CrashLoss how, std::uint64_t seed, bool unnoticed = false) {
    return store.crash(how, RandomStream(seed, 1, 2), unnoticed);
  }
};

// Eight unsynced batches, each of its own key; the keys that a crash leaves, as bits.
unsigned survivors(CrashLoss how, std::uint64_t seed) {
  Disk disk;
  for (std::uint8_t key = 0; key < 8; ++key) disk.put(key, "x");
  const std::uint64_t gone = disk.crash(how, seed);
  unsigned bits = 0;
  for (std::uint8_t key = 0; key < 8; ++key) bits |= disk.get(key) == "x" ? 1u << key : 0u;
  EXPECT_EQ(gone, 8u - static_cast<unsigned>(__builtin_popcount(bits)));
  return bits;
}

TEST(Disk, ACrashThatKeepsAPrefixKeepsEachPrefixNowAndThen) {
  std::set<unsigned> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    seen.insert(survivors(CrashLoss::kKeepPrefix, seed));
  }
  EXPECT_EQ(seen, (std::set<unsigned>{0, 1, 3, 7, 15, 31, 63, 127, 255}));
}

TEST(Disk, ACrashThatKeepsASubsetLosesWritesBeforeOnesThatItKeeps) {
  std::set<unsigned> seen;
  int holes = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const unsigned bits = survivors(CrashLoss::kKeepSubset, seed);
    seen.insert(bits);
    holes += (bits & (bits + 1)) != 0 ? 1 : 0;
  }
  EXPECT_GT(seen.size(), 100u);
  EXPECT_GT(holes, 100);
}

TEST(Disk, TheSameDrawsKeepTheSameSubset) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(survivors(CrashLoss::kKeepSubset, seed), survivors(CrashLoss::kKeepSubset, seed));
  }
}

TEST(Disk, WhatWasSyncedSurvivesEveryCrashThatIsNoWipe) {
  for (const CrashLoss how : {CrashLoss::kLoseUnsynced, CrashLoss::kKeepPrefix,
                              CrashLoss::kKeepSubset, CrashLoss::kTorn}) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      Disk disk;
      disk.put_durable(1, "old");
      disk.put(2, "new");
      disk.put(3, "new");
      disk.crash(how, seed, true);
      EXPECT_EQ(disk.get(1), "old");
      EXPECT_EQ(disk.store.sequence(), disk.store.durable_sequence());
    }
  }
}

// One batch of three records of four sectors each over older ones, then a crash that tears.
Disk torn_batch(std::uint64_t seed, bool unnoticed) {
  Disk disk;
  for (std::uint8_t key = 0; key < 3; ++key) disk.put_durable(key, std::string(2000, 'o'));
  env::WriteBatch batch;
  for (std::uint8_t key = 0; key < 3; ++key)
    batch.push_back({{key}, buffer(std::string(2000, 'n'))});
  disk.store.apply(std::move(batch));
  disk.crash(CrashLoss::kTorn, seed, unnoticed);
  return disk;
}

TEST(Disk, ATornBatchIsNeitherWholeNorGoneAndItsRecordsAreIfChecksumsWork) {
  int split = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Disk disk = torn_batch(seed, false);
    std::string first_bytes;
    for (std::uint8_t key = 0; key < 3; ++key) {
      const std::string value = disk.get(key);
      EXPECT_EQ(value, std::string(2000, value[0])) << "a half-written record was read";
      first_bytes += value[0];
    }
    split += first_bytes != "nnn" && first_bytes != "ooo" ? 1 : 0;
  }
  EXPECT_GT(split, 10);
}

TEST(Disk, WithoutChecksumsATornRecordHasNewSectorsThenOldOnes) {
  int halves = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const std::string value = torn_batch(seed, true).get(0);
    ASSERT_EQ(value.size(), 2000u);
    const std::size_t split = value.find('o');
    if (split == 0 || split == std::string::npos) continue;
    ++halves;
    EXPECT_EQ(split % kSectorBytes, 0u);
    EXPECT_EQ(value, std::string(split, 'n') + std::string(2000 - split, 'o'));
  }
  EXPECT_GT(halves, 10);
}

TEST(Disk, ARottenRecordCannotBeReadUntilItIsWrittenAgainOrTheFaultEnds) {
  Disk disk;
  disk.put_durable(1, "one");
  disk.put_durable(2, "two");
  disk.store.begin_fault(7, {.kind = DiskFaultKind::kRot}, 99);
  EXPECT_THROW(disk.get(1), env::StoreFailed);
  EXPECT_THROW(disk.scan(), env::StoreFailed);
  EXPECT_EQ(disk.store.failure(), DiskFailure::kUnreadable);
  disk.crash(CrashLoss::kLoseUnsynced, 0);  // the next life finds the same
  EXPECT_EQ(disk.store.failure(), DiskFailure::kNone);
  EXPECT_THROW(disk.get(1), env::StoreFailed);
  disk.crash(CrashLoss::kLoseUnsynced, 0);
  disk.put(1, "again");
  EXPECT_EQ(disk.get(1), "again");
  disk.store.end_fault(7);
  EXPECT_EQ(disk.get(2), "two");
  EXPECT_EQ(disk.scan(), "1=again 2=two ");
}

TEST(Disk, UnnoticedRotTurnsOneBit) {
  Disk disk;
  const std::string text(3000, 'a');
  disk.put_durable(1, text);
  disk.store.begin_fault(7, {.kind = DiskFaultKind::kRot, .unnoticed = true}, 5);
  const std::string read = disk.get(1);
  ASSERT_EQ(read.size(), text.size());
  int bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bits += __builtin_popcount(static_cast<unsigned char>(text[i] ^ read[i]));
  }
  EXPECT_EQ(bits, 1);
  EXPECT_EQ(disk.scan(), "1=" + read + " ");
  disk.store.end_fault(7);
  EXPECT_EQ(disk.get(1), text);
}

TEST(Disk, AShareOfTheSectorsRotsAndLongRecordsMoreOften) {
  Disk disk;
  for (unsigned i = 0; i < 2000; ++i) {
    const auto key = Bytes{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    disk.store.apply({{key, buffer(std::string(i < 1000 ? 10 : 2000, 'x'))}});  // 1 and 4 sectors
  }
  disk.store.begin_fault(1, {.kind = DiskFaultKind::kRot, .share_ppm = 100'000}, 3);
  // 1000 * 0.1 + 1000 * (1 - 0.9^4) = 443.9, sigma 18
  EXPECT_NEAR(static_cast<double>(disk.store.damaged()), 443.9, 75);
}

TEST(Disk, ABadSectorStaysBadWhenItIsWritten) {
  Disk disk;
  disk.put_durable(1, "one");
  disk.store.begin_fault(7, {.kind = DiskFaultKind::kBadSectors}, 99);
  EXPECT_THROW(disk.get(1), env::StoreFailed);
  disk.crash(CrashLoss::kLoseUnsynced, 0);
  disk.put(1, "again");
  EXPECT_THROW(disk.get(1), env::StoreFailed);
  EXPECT_EQ(disk.get(9), "(none)") << "where nothing is there is nothing to read";
  disk.store.end_fault(7);
  EXPECT_EQ(disk.get(1), "again");
}

TEST(Disk, ALostWriteBringsTheOldValueBackAfterACrashAlthoughItWasSynced) {
  Disk disk;
  disk.put_durable(1, "old");
  disk.store.begin_fault(7, {.kind = DiskFaultKind::kLostWrites}, 99);
  EXPECT_TRUE(disk.put_durable(1, "new"));
  EXPECT_TRUE(disk.put_durable(2, "fresh"));
  EXPECT_EQ(disk.get(1), "new");
  EXPECT_EQ(disk.store.durable(Bytes{1}), buffer("old"));
  disk.crash(CrashLoss::kLoseUnsynced, 0);
  EXPECT_EQ(disk.get(1), "old");
  EXPECT_EQ(disk.get(2), "(none)");
  EXPECT_EQ(disk.scan(), "1=old ");
  disk.store.end_fault(7);
  EXPECT_EQ(disk.scan(), "1=new 2=fresh ");
}

TEST(Disk, AWriteThatArrivesMakesUpForALostOne) {
  Disk disk;
  disk.store.begin_fault(7, {.kind = DiskFaultKind::kLostWrites}, 99);
  disk.put_durable(1, "lost");
  disk.store.end_fault(7);
  disk.store.begin_fault(8, {.kind = DiskFaultKind::kLostWrites, .share_ppm = 0}, 99);
  disk.put_durable(1, "arrived");
  disk.crash(CrashLoss::kLoseUnsynced, 0);
  EXPECT_EQ(disk.get(1), "arrived");
}

TEST(Disk, AMisdirectedWriteSpoilsTheNextRecordAndMissesItsOwn) {
  for (const bool unnoticed : {false, true}) {
    Disk disk;
    disk.put_durable(1, "old");
    disk.put_durable(2, "two");
    disk.store.begin_fault(7, {.kind = DiskFaultKind::kMisdirected, .unnoticed = unnoticed}, 99);
    EXPECT_TRUE(disk.put_durable(1, "new"));
    if (unnoticed) {
      EXPECT_EQ(disk.get(2), "new");
    } else {
      EXPECT_THROW(disk.get(2), env::StoreFailed);
    }
    disk.crash(CrashLoss::kLoseUnsynced, 0);
    EXPECT_EQ(disk.get(1), "old");
    disk.store.end_fault(7);
    EXPECT_EQ(disk.scan(), "1=new 2=two ");
  }
}

TEST(Disk, AFullDiskTakesNothingAndSyncsNothing) {
  Disk disk;
  const std::uint64_t before = disk.put(1, "before");
  disk.store.begin_fault(7, {.kind = DiskFaultKind::kFull}, 99);
  EXPECT_EQ(disk.put(1, "after"), before + 1);
  EXPECT_EQ(disk.get(1), "before");
  EXPECT_EQ(disk.store.failure(), DiskFailure::kFull);
  EXPECT_FALSE(disk.store.finish_sync(before));
}

TEST(Disk, AFailedSyncForgetsAndOneThatLiesDoes) {
  for (const bool unnoticed : {false, true}) {
    Disk disk;
    disk.put_durable(1, "old");
    disk.store.begin_fault(7, {.kind = DiskFaultKind::kSyncFails, .unnoticed = unnoticed}, 99);
    EXPECT_EQ(disk.put_durable(1, "new"), unnoticed);
    EXPECT_EQ(disk.get(1), "new");
    EXPECT_EQ(disk.store.failure(), unnoticed ? DiskFailure::kNone : DiskFailure::kSyncFailed);
    disk.crash(CrashLoss::kLoseUnsynced, 0);
    EXPECT_EQ(disk.get(1), "old");
  }
}

// --- in a world ---------------------------------------------------------------------------------

// Writes and syncs a counter each second, and reads it back.
Script counter_node() {
  return {.boot = [](env::Env& env, const env::BootInfo&) { env.timers.arm(Time{1}, {}); },
          .on =
              [](env::Env& env, const env::Event& event) {
                if (!std::holds_alternative<env::TimerFired>(event)) return;
                const auto old = env.store.get(Bytes{1});
                const std::uint64_t n = old ? Reader(old->view()).u64() + 1 : 1;
                env.store.sync(env.store.apply({{{1}, Buffer(Writer().u64(n).take())}}), {});
                env.timers.arm(env.clock.mono() + Duration::seconds(1), {});
              }};
}

struct Failures final : env::TraceSink {
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& e) override {
    if (e.kind == env::kStoreFailed) seen.emplace_back(now, node, e.n[0]);
    if (e.kind == env::kNodeCrash) ++crashes;
  }
  std::vector<std::tuple<Time, std::uint32_t, std::uint64_t>> seen;
  int crashes = 0;
};

TEST(DiskInAWorld, ANodeWhoseDiskFailsStopsWithTheReasonAndComesBackWhenItIsMended) {
  const std::pair<DiskFaultKind, DiskFailure> kinds[] = {
      {DiskFaultKind::kRot, DiskFailure::kUnreadable},
      {DiskFaultKind::kBadSectors, DiskFailure::kUnreadable},
      {DiskFaultKind::kFull, DiskFailure::kFull},
      {DiskFaultKind::kSyncFails, DiskFailure::kSyncFailed}};
  for (const auto& [kind, failure] : kinds) {
    std::string log;
    SimOptions options;
    options.log = [&](Time, std::uint32_t, env::LogLevel, std::string_view line) { log += line; };
    TestWorld world(std::move(options));
    Failures failures;
    world.simulator->add_trace_sink(failures);
    for (int i = 0; i < 3; ++i) world.add(counter_node());
    world.run(Duration::millis(5500));
    must(world.simulator->begin_disk({1, 6}, 0, {.kind = kind}));
    world.run(Duration::millis(9500));
    EXPECT_FALSE(world.simulator->is_up(0));
    EXPECT_TRUE(world.simulator->is_up(1));
    ASSERT_EQ(failures.seen.size(), 1u) << describe(failure);
    EXPECT_EQ(std::get<2>(failures.seen[0]), static_cast<std::uint64_t>(failure));
    EXPECT_EQ(failures.crashes, 1);
    EXPECT_THAT(log, HasSubstr(std::string(describe(failure))));
    world.simulator->end_disk({1, 6}, 0);
    world.run(Duration::millis(12500));
    EXPECT_TRUE(world.simulator->is_up(0));
    // Six were counted before the fault, three after it: what was durable was not lost.
    EXPECT_EQ(Reader(world.simulator->durable(0, Bytes{1})->view()).u64(), 9u) << describe(failure);
  }
}

TEST(DiskInAWorld, ANodeThatStopsAtBootStaysDownUntilTheDamageIsGone) {
  TestWorld world;
  world.add({.boot = [](env::Env& env, const env::BootInfo&) {
    if (!env.store.get(Bytes{1})) env.store.sync(env.store.apply({{{1}, buffer("x")}}), {});
  }});
  for (int i = 0; i < 2; ++i) world.add({});
  world.run(Duration::seconds(1));
  must(world.simulator->begin_disk({1, 6}, 0, {.kind = DiskFaultKind::kRot}));
  world.simulator->crash({2, 2}, 0);
  world.simulator->restart({2, 2}, 0);
  world.run(Duration::seconds(2));
  EXPECT_FALSE(world.simulator->is_up(0));
  world.simulator->end_disk({1, 6}, 0);
  world.run(Duration::seconds(3));
  EXPECT_TRUE(world.simulator->is_up(0));
  EXPECT_EQ(world.simulator->counters(0).boots, 3u);
}

TEST(DiskInAWorld, AStallDelaysSyncs) {
  TestWorld world;
  world.add({});
  world.run(Duration::seconds(1));
  must(world.simulator->begin_disk(
      {1, 6}, 0, {.kind = DiskFaultKind::kStall, .delay = Duration::millis(500)}));
  world.env(0).store.sync(world.env(0).store.apply({}), {});
  world.run(Duration::seconds(2));
  const auto synced = world.all<env::Synced>(0);
  ASSERT_EQ(synced.size(), 1u);
  EXPECT_EQ(synced[0].first, Time{Duration::millis(1504).ns});
}

TEST(DiskInAWorld, AThirdOfTheDisksIsSpared) {
  EXPECT_EQ(damageable_disks(1), 0u);
  EXPECT_EQ(damageable_disks(2), 1u);
  EXPECT_EQ(damageable_disks(9), 6u);
  TestWorld world;
  for (int i = 0; i < 4; ++i) world.add({});
  Simulator& s = *world.simulator;
  const DiskFault rot{.kind = DiskFaultKind::kRot};
  for (std::uint32_t node = 0; node < 3; ++node) must(s.begin_disk({1, 6}, node, rot));
  must(s.begin_disk({2, 6}, 1, rot));  // no further disk
  must(s.begin_disk({3, 6}, 3, {.kind = DiskFaultKind::kStall}));
  const Status refused = s.begin_disk({4, 6}, 3, rot);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  s.end_disk({1, 6}, 0);
  EXPECT_TRUE(s.begin_disk({4, 6}, 3, rot));
}

}  // namespace
}  // namespace orrery::sim

// What every env::Store must do, simulated or real. A program that has a store writes a StoreRig
// and instantiates the suite:
//   INSTANTIATE_TEST_SUITE_P(Simulated, StoreContract, testing::Values(&make_rig));
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/env/env.h"

namespace orrery::env {

class StoreRig {
 public:
  virtual ~StoreRig() = default;
  virtual Store& store() = 0;
  // Waits for all syncs asked for; returns their answers in order.
  virtual std::vector<Synced> settle() = 0;
  // The process dies and opens the store again. Answers not yet settled never come.
  virtual void crash() = 0;
};
using MakeStoreRig = std::unique_ptr<StoreRig> (*)();

class StoreContract : public testing::TestWithParam<MakeStoreRig> {
 protected:
  static Bytes key(std::string_view text) {
    return Bytes(as_bytes(text).begin(), as_bytes(text).end());
  }
  static Buffer value(std::string_view text) { return Buffer(key(text)); }
  static std::string text(const std::optional<Buffer>& buffer) {
    return buffer ? std::string(as_text(buffer->view())) : "(none)";
  }
  std::string get(std::string_view k) { return text(store().get(as_bytes(k))); }
  std::uint64_t put(std::string_view k, std::string_view v) {
    return store().apply({{key(k), value(v)}});
  }
  std::string keys(std::string_view begin, std::string_view end, std::size_t limit) {
    std::string all;
    for (const KeyValue& kv : store().scan(as_bytes(begin), as_bytes(end), limit)) {
      all += std::string(as_text(kv.key)) + "=" + text(kv.value) + " ";
    }
    return all;
  }
  Store& store() { return rig_->store(); }

  std::unique_ptr<StoreRig> rig_ = GetParam()();
};

TEST_P(StoreContract, AWriteIsVisibleAtOnce) {
  EXPECT_EQ(get("a"), "(none)");
  put("a", "1");
  EXPECT_EQ(get("a"), "1");
  put("a", "");
  EXPECT_EQ(get("a"), "");
}

TEST_P(StoreContract, SequenceNumbersRiseByOne) {
  const std::uint64_t first = put("a", "1");
  EXPECT_EQ(put("b", "2"), first + 1);
  EXPECT_EQ(store().apply({}), first + 2);
}

TEST_P(StoreContract, ABatchAppliesInOrderAndAnAbsentValueDeletes) {
  store().apply({{key("a"), value("1")}, {key("b"), value("2")}});
  store().apply({{key("a"), std::nullopt}, {key("b"), value("3")}, {key("b"), value("4")}});
  EXPECT_EQ(get("a"), "(none)");
  EXPECT_EQ(get("b"), "4");
}

TEST_P(StoreContract, AScanIsAscendingHalfOpenAndLimited) {
  for (const char* k : {"b", "ab", "a", "c", "aa"}) put(k, k);
  EXPECT_EQ(keys("a", "c", 10), "a=a aa=aa ab=ab b=b ");
  EXPECT_EQ(keys("aa", "b", 10), "aa=aa ab=ab ");
  EXPECT_EQ(keys("a", "z", 2), "a=a aa=aa ");
  EXPECT_EQ(keys("x", "z", 2), "");
  EXPECT_EQ(keys("c", "a", 2), "");
}

TEST_P(StoreContract, KeysCompareAsUnsignedBytes) {
  store().apply({{{0x80}, value("high")}, {{0x7f}, value("low")}, {{0x7f, 0x00}, value("mid")}});
  const Bytes begin = {0x00}, end = {0xff};
  const auto pairs = store().scan(begin, end, 10);
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(text(pairs[0].value), "low");
  EXPECT_EQ(text(pairs[1].value), "mid");
  EXPECT_EQ(text(pairs[2].value), "high");
}

TEST_P(StoreContract, ASnapshotDoesNotSeeLaterWrites) {
  put("a", "1");
  const std::uint64_t first = store().snapshot();
  store().apply({{key("a"), value("2")}, {key("b"), value("new")}});
  const std::uint64_t second = store().snapshot();
  store().apply({{key("a"), std::nullopt}});
  EXPECT_EQ(text(store().get_at(first, key("a"))), "1");
  EXPECT_EQ(text(store().get_at(first, key("b"))), "(none)");
  EXPECT_EQ(text(store().get_at(second, key("a"))), "2");
  EXPECT_EQ(get("a"), "(none)");
  store().release(first);
  EXPECT_EQ(text(store().get_at(second, key("b"))), "new");
  store().release(second);
}

TEST_P(StoreContract, ASyncIsAnsweredOnceWithItsSequenceAndCookie) {
  const std::uint64_t sequence = put("a", "1");
  store().sync(sequence, Cookie{4, 5, 6});
  const auto answers = rig_->settle();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].sequence, sequence);
  EXPECT_EQ(answers[0].cookie, (Cookie{4, 5, 6}));
  EXPECT_TRUE(answers[0].ok);
  EXPECT_TRUE(rig_->settle().empty());
}

TEST_P(StoreContract, WhatWasSyncedSurvivesACrash) {
  put("a", "old");
  const std::uint64_t sequence = store().apply({{key("a"), value("1")}, {key("b"), value("2")}});
  store().sync(sequence, {});
  ASSERT_EQ(rig_->settle().size(), 1u);
  rig_->crash();
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("b"), "2");
}

TEST_P(StoreContract, ACrashLeavesAWholeNumberOfBatches) {
  store().sync(store().apply({{key("a"), value("0")}, {key("b"), value("0")}}), {});
  ASSERT_EQ(rig_->settle().size(), 1u);
  for (const char* v : {"1", "2", "3"}) {
    store().apply({{key("a"), value(v)}, {key("b"), value(v)}});
  }
  rig_->crash();
  EXPECT_EQ(get("a"), get("b"));
  EXPECT_NE(get("a"), "(none)");
}

TEST_P(StoreContract, WritingGoesOnAfterACrash) {
  store().sync(put("a", "1"), {});
  rig_->settle();
  rig_->crash();
  const std::uint64_t sequence = put("b", "2");
  store().sync(sequence, {});
  EXPECT_EQ(rig_->settle().size(), 1u);
  rig_->crash();
  EXPECT_EQ(keys("a", "z", 10), "a=1 b=2 ");
}

}  // namespace orrery::env

#include "protocol/node/known_ids.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace orrery::chain {
namespace {

Hash256 id_of(std::uint64_t n) {
  Bytes bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<std::uint8_t>(n >> (8 * i)));
  return sha256(bytes);
}

// What the table is to be, in plain words: two generations.
class Reference {
 public:
  KnownIds::Known find(const Hash256& id) const {
    for (const auto* generation : {&young_, &old_}) {
      const auto found = generation->find(id);
      if (found != generation->end()) return found->second;
    }
    return {};
  }
  KnownIds::Known& entry(const Hash256& id) {
    if (young_.count(id) != 0) return young_[id];
    if (old_.count(id) != 0) return old_[id];
    if (young_.size() >= KnownIds::kCapacity) old_ = std::exchange(young_, {});
    young_[id].noted = true;
    return young_[id];
  }

 private:
  std::map<Hash256, KnownIds::Known> young_;
  std::map<Hash256, KnownIds::Known> old_;
};

TEST(KnownIds, AnswersAsTwoGenerationsOfMapsDo) {
  KnownIds known;
  Reference reference;
  EXPECT_FALSE(known.find(id_of(0)).noted);
  std::uint64_t draw = 1;
  for (std::uint64_t i = 0; i < 4 * KnownIds::kCapacity; ++i) {
    draw = draw * 6364136223846793005u + 1442695040888963407u;
    // New ids, and ids of all ages: just noted, of the old generation, long forgotten.
    const std::uint64_t back = (draw >> 33) % (4 * KnownIds::kCapacity);
    const Hash256 old = id_of(back > i ? 0 : i - back);
    const KnownIds::Known expected = reference.find(old);
    const KnownIds::Known found = known.find(old);
    ASSERT_EQ(found.noted, expected.noted) << i;
    ASSERT_EQ(found.received, expected.received) << i;
    ASSERT_EQ(found.seats, expected.seats) << i;
    const Seats bit = Seats{1} << (draw >> 58);
    known.note(id_of(i), bit);
    reference.entry(id_of(i)).seats |= bit;
    KnownIds::Known& entry = reference.entry(old);
    ASSERT_EQ(known.receive(old), !entry.received) << i;
    entry.received = true;
  }
}

TEST(KnownIds, ForgetsTheOldGenerationAndKeepsTheYoung) {
  KnownIds known;
  for (std::uint64_t i = 0; i < 2 * KnownIds::kCapacity; ++i) known.receive(id_of(i));
  EXPECT_TRUE(known.find(id_of(0)).noted);
  known.receive(id_of(2 * KnownIds::kCapacity));
  EXPECT_FALSE(known.find(id_of(0)).noted);
  EXPECT_TRUE(known.find(id_of(KnownIds::kCapacity)).noted);
}

TEST(KnownIds, AnIdOfZerosIsAnIdToo) {
  KnownIds known;
  EXPECT_FALSE(known.find(Hash256{}).noted);
  EXPECT_TRUE(known.receive(Hash256{}));
  EXPECT_FALSE(known.receive(Hash256{}));
}

TEST(KnownIds, WhoTakesTheSeatOfAnotherHasNothingYet) {
  KnownIds known;
  for (std::uint32_t i = 0; i < kSeats; ++i) EXPECT_EQ(known.seat(), i);
  known.note(id_of(1), ~Seats{0});
  known.leave(5);
  known.leave(9);
  EXPECT_EQ(known.seat(), 5u);
  EXPECT_EQ(known.find(id_of(1)).seats, ~(Seats{1} << 5 | Seats{1} << 9));
  EXPECT_EQ(known.seat(), 9u);
  known.note(id_of(1), Seats{1} << 9);
  EXPECT_EQ(known.find(id_of(1)).seats, ~(Seats{1} << 5));
}

}  // namespace
}  // namespace orrery::chain

#include "protocol/types/vote.h"

#include <gtest/gtest.h>

namespace orrery::chain {
namespace {

KeyPair key(std::uint8_t i) { return KeyPair::from_seed({i}); }
Hash256 block(std::string_view name) { return sha256(as_bytes(name)); }

Vote vote(std::uint64_t source, std::uint64_t target, std::string_view name = "b",
          std::uint8_t who = 1) {
  Vote v{.source = {source, block("s")}, .target = {target, block(name)}, .validator = {}};
  sign("c", v, key(who));
  return v;
}

TEST(Vote, DecodesToWhatWasEncodedAndEveryChangedByteBreaksTheSignature) {
  Writer out;
  encode(out, vote(3, 4));
  const Bytes good = out.take();
  ASSERT_EQ(good.size(), kVoteBytes);
  for (std::size_t i = 0; i <= good.size(); ++i) {
    Bytes bytes = good;
    if (i < good.size()) bytes[i] ^= 0x40;
    Reader in(bytes);
    const Vote decoded = read_vote(in);
    ASSERT_TRUE(in.finish());
    Writer again;
    encode(again, decoded);
    EXPECT_EQ(again.view(), bytes);
    EXPECT_EQ(check_signature("c", decoded), i == good.size()) << "byte " << i;
  }
}

TEST(Vote, SignatureIsBoundToTheChain) {
  EXPECT_TRUE(check_signature("c", vote(3, 4)));
  EXPECT_FALSE(check_signature("d", vote(3, 4)));
}

TEST(Equivocation, TwoTargetsOfOneEpochAreADoubleVote) {
  EXPECT_EQ(equivocation(vote(3, 5, "b"), vote(3, 5, "c")), Equivocation::kDoubleVote);
  EXPECT_EQ(equivocation(vote(3, 5, "b"), vote(4, 5, "b")), Equivocation::kDoubleVote);
}

TEST(Equivocation, SurroundingIsFoundInEitherOrder) {
  EXPECT_EQ(equivocation(vote(2, 6), vote(3, 5)), Equivocation::kSurround);
  EXPECT_EQ(equivocation(vote(3, 5), vote(2, 6)), Equivocation::kSurround);
}

// Every pair of links over a few epochs, against the definition.
TEST(Equivocation, MatrixOfAllSmallLinksAgreesWithTheDefinition) {
  int doubles = 0, surrounds = 0, none = 0;
  for (std::uint64_t s1 = 0; s1 < 5; ++s1)
    for (std::uint64_t t1 = s1 + 1; t1 < 6; ++t1)
      for (std::uint64_t s2 = 0; s2 < 5; ++s2)
        for (std::uint64_t t2 = s2 + 1; t2 < 6; ++t2) {
          const Vote a = vote(s1, t1), b = vote(s2, t2);
          Equivocation expected = Equivocation::kNone;
          if (s1 == s2 && t1 == t2) {
          } else if (t1 == t2) {
            expected = Equivocation::kDoubleVote;
          } else if ((s1 < s2 && t2 < t1) || (s2 < s1 && t1 < t2)) {
            expected = Equivocation::kSurround;
          }
          EXPECT_EQ(equivocation(a, b), expected) << s1 << t1 << s2 << t2;
          doubles += expected == Equivocation::kDoubleVote;
          surrounds += expected == Equivocation::kSurround;
          none += expected == Equivocation::kNone;
        }
  EXPECT_GT(doubles, 0);
  EXPECT_GT(surrounds, 0);
  EXPECT_GT(none, 0);
}

TEST(Equivocation, EqualVotesAndVotesOfTwoValidatorsAreNone) {
  EXPECT_EQ(equivocation(vote(3, 5), vote(3, 5)), Equivocation::kNone);
  EXPECT_EQ(equivocation(vote(3, 5, "b", 1), vote(3, 5, "c", 2)), Equivocation::kNone);
}

TEST(Equivocation, VotesThatTouchAtTheirEndsAreNone) {
  EXPECT_EQ(equivocation(vote(3, 5), vote(5, 6)), Equivocation::kNone);
  EXPECT_EQ(equivocation(vote(3, 5), vote(3, 6)), Equivocation::kNone);  // same source
}

}  // namespace
}  // namespace orrery::chain

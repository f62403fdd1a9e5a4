#include "protocol/crypto/multisig.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace orrery::chain {
namespace {

struct Group {
  std::vector<KeyPair> pairs;  // in the order of the policy's keys
  MultisigPolicy policy;
};

Group two_of_three() {
  Group group;
  for (std::uint8_t i = 0; i < 3; ++i) group.pairs.push_back(KeyPair::from_seed({i}));
  std::sort(group.pairs.begin(), group.pairs.end(),
            [](const KeyPair& a, const KeyPair& b) { return a.public_key() < b.public_key(); });
  group.policy.threshold = 2;
  for (const KeyPair& pair : group.pairs) group.policy.keys.push_back(pair.public_key());
  return group;
}

std::vector<MultisigSignature> signed_by(const Group& group, ByteView message,
                                         std::vector<std::uint8_t> who) {
  std::vector<MultisigSignature> out;
  for (const std::uint8_t i : who) out.push_back({i, sign(group.pairs[i], message)});
  return out;
}

TEST(Multisig, AcceptsEveryPairOfThreeAndNothingLess) {
  const Group g = two_of_three();
  const Bytes message = *from_hex("0011");
  EXPECT_TRUE(multisig_verify(g.policy, message, signed_by(g, message, {0, 1})));
  EXPECT_TRUE(multisig_verify(g.policy, message, signed_by(g, message, {0, 2})));
  EXPECT_TRUE(multisig_verify(g.policy, message, signed_by(g, message, {1, 2})));
  EXPECT_FALSE(multisig_verify(g.policy, message, signed_by(g, message, {1})));
  EXPECT_FALSE(multisig_verify(g.policy, message, {}));
}

TEST(Multisig, RefusesOneKeyTwiceAnotherOrderMoreThanNeededAndForeignSignatures) {
  const Group g = two_of_three();
  const Bytes message = *from_hex("0011");
  EXPECT_FALSE(multisig_verify(g.policy, message, signed_by(g, message, {1, 1})));
  EXPECT_FALSE(multisig_verify(g.policy, message, signed_by(g, message, {1, 0})));
  EXPECT_FALSE(multisig_verify(g.policy, message, signed_by(g, message, {0, 1, 2})));
  auto wrong = signed_by(g, message, {0, 1});
  wrong[1].key = 2;
  EXPECT_FALSE(multisig_verify(g.policy, message, wrong));
  wrong[1].key = 3;
  EXPECT_FALSE(multisig_verify(g.policy, message, wrong));
  EXPECT_FALSE(multisig_verify(g.policy, *from_hex("0012"), signed_by(g, message, {0, 1})));
}

TEST(Multisig, AddressesDependOnThresholdAndKeys) {
  Group g = two_of_three();
  const Address address = multisig_address(g.policy);
  g.policy.threshold = 3;
  EXPECT_NE(multisig_address(g.policy), address);
  g.policy.threshold = 2;
  g.policy.keys.pop_back();
  EXPECT_NE(multisig_address(g.policy), address);
}

TEST(Multisig, PoliciesAreSortedUniqueAndBounded) {
  Group g = two_of_three();
  EXPECT_TRUE(g.policy.check());
  MultisigPolicy p = g.policy;
  p.threshold = 0;
  EXPECT_FALSE(p.check());
  p.threshold = 4;
  EXPECT_FALSE(p.check());
  p = g.policy;
  std::swap(p.keys[0], p.keys[1]);
  EXPECT_FALSE(p.check());
  p = g.policy;
  p.keys[1] = p.keys[0];
  EXPECT_FALSE(p.check());
  p.keys.clear();
  EXPECT_FALSE(p.check());
}

TEST(Multisig, DecodesWhatItEncodedAndNoInvalidPolicy) {
  const Group g = two_of_three();
  const auto signatures = signed_by(g, *from_hex("00"), {0, 2});
  Writer out;
  encode(out, g.policy);
  encode(out, signatures);
  Reader in(out.view());
  EXPECT_EQ(decode_multisig_policy(in), g.policy);
  EXPECT_EQ(decode_multisig_signatures(in), signatures);
  EXPECT_TRUE(in.finish());

  Bytes bad = out.view();
  bad[0] = 4;  // the threshold
  Reader again(bad);
  decode_multisig_policy(again);
  EXPECT_FALSE(again.ok());
}

}  // namespace
}  // namespace orrery::chain

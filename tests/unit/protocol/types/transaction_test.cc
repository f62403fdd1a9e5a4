#include "protocol/types/transaction.h"

#include <gtest/gtest.h>

namespace orrery::chain {
namespace {

KeyPair key(std::uint8_t i) { return KeyPair::from_seed({i}); }

Transaction sample() {
  Transaction tx{.chain_id = "chain-a",
                 .sender = address_of(key(1).public_key()),
                 .nonce = 7,
                 .fee = kToken / 500,
                 .valid_until = 99,
                 .tag = 1,
                 .payload = {1, 2, 3, 4, 5}};
  sign(tx, key(1));
  return tx;
}

struct TwoOfThree {
  std::vector<KeyPair> keys{key(1), key(2), key(3)};
  MultisigPolicy policy{.threshold = 2, .keys = {}};
  TwoOfThree() {
    std::ranges::sort(keys, {}, [](const KeyPair& k) { return k.public_key(); });
    for (const KeyPair& k : keys) policy.keys.push_back(k.public_key());
  }
  Transaction signed_by(std::vector<std::uint8_t> signers) const {
    Transaction tx = sample();
    tx.sender = multisig_address(policy);
    tx.authorization = {policy, {}};
    for (std::uint8_t i : signers) {
      tx.authorization.signatures.push_back({i, sign(keys[i], signing_bytes(tx))});
    }
    return tx;
  }
};

TEST(Transaction, DecodesToWhatWasEncoded) {
  for (const Transaction& tx : {sample(), TwoOfThree().signed_by({0, 2})}) {
    const auto decoded = decode_transaction(encode(tx));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, tx);
    EXPECT_EQ(encode(*decoded), encode(tx));
  }
}

TEST(Transaction, EveryChangedByteIsRefusedOrIsAnotherTransactionThatNobodySigned) {
  for (const Transaction& tx : {sample(), TwoOfThree().signed_by({1, 2})}) {
    const Bytes good = encode(tx);
    const Hash256 id = transaction_id(tx);
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        Bytes bad = good;
        bad[i] ^= static_cast<std::uint8_t>(flip);
        const auto decoded = decode_transaction(bad);
        if (!decoded) continue;
        EXPECT_EQ(encode(*decoded), bad) << "byte " << i;
        EXPECT_NE(transaction_id(*decoded), id) << "byte " << i;
        EXPECT_FALSE(check_authorization(*decoded)) << "byte " << i;
      }
    }
  }
}

TEST(Transaction, EveryTruncationAndEveryAddedByteIsRefused) {
  Bytes bytes = encode(sample());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(decode_transaction(ByteView(bytes).first(n))) << n;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_transaction(bytes));
}

TEST(Transaction, UnknownVersionIsRefused) {
  Bytes bytes = encode(sample());
  ASSERT_EQ(bytes[0], kTransactionVersion);
  bytes[0] = kTransactionVersion + 1;
  EXPECT_FALSE(decode_transaction(bytes));
}

TEST(Transaction, PayloadAboveTheBoundIsRefused) {
  Transaction tx = sample();
  tx.payload.resize(kMaxPayloadBytes);
  EXPECT_TRUE(decode_transaction(encode(tx)));
  EXPECT_LE(encode(tx).size(), kMaxTransactionBytes);
  tx.payload.resize(kMaxPayloadBytes + 1);
  EXPECT_FALSE(decode_transaction(encode(tx)));
}

TEST(Transaction, LargestPolicyFitsTheLargestTransaction) {
  Transaction tx = sample();
  tx.chain_id = std::string(kMaxChainIdBytes, 'x');
  tx.payload.resize(kMaxPayloadBytes);
  tx.authorization.policy.keys.resize(MultisigPolicy::kMaxKeys);
  tx.authorization.signatures.resize(MultisigPolicy::kMaxKeys);
  EXPECT_LE(encode(tx).size(), kMaxTransactionBytes);
}

TEST(Transaction, SignatureOfOneChainIsWorthlessOnAnother) {
  Transaction tx = sample();
  ASSERT_TRUE(check_authorization(tx));
  tx.chain_id = "chain-b";
  EXPECT_FALSE(check_authorization(tx));
}

TEST(Transaction, NobodyElseSignsForASender) {
  Transaction tx = sample();
  sign(tx, key(2));  // a good signature by the wrong key
  EXPECT_FALSE(check_authorization(tx));
}

TEST(Transaction, TwoOfThreeKeysAuthorizeNeitherFewerNorMoreNorStrangers) {
  const TwoOfThree account;
  EXPECT_TRUE(check_authorization(account.signed_by({0, 1})));
  EXPECT_TRUE(check_authorization(account.signed_by({0, 2})));
  EXPECT_TRUE(check_authorization(account.signed_by({1, 2})));
  EXPECT_FALSE(check_authorization(account.signed_by({1})));
  EXPECT_FALSE(check_authorization(account.signed_by({0, 1, 2})));
  EXPECT_FALSE(check_authorization(account.signed_by({1, 1})));
  EXPECT_FALSE(check_authorization(account.signed_by({2, 1})));
  Transaction lowered = account.signed_by({1});
  lowered.authorization.policy.threshold = 1;  // another policy is another account
  lowered.authorization.signatures = {{1, sign(account.keys[1], signing_bytes(lowered))}};
  EXPECT_FALSE(check_authorization(lowered));
}

TEST(Transaction, SharedFormSaysWhetherItIsAuthorized) {
  Transaction tx = sample();
  EXPECT_TRUE((*share_transaction(encode(tx)))->authorized);
  tx.nonce += 1;
  EXPECT_FALSE((*share_transaction(encode(tx)))->authorized);
}

}  // namespace
}  // namespace orrery::chain

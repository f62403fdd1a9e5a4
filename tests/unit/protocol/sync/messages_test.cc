// Messages between nodes (G-7): canonical, bounded, closed.
#include "protocol/sync/messages.h"

#include "engine/base/random.h"
#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::digest;
using test::key;

constexpr std::string_view kChain = "test-1";

std::vector<Hash256> hashes(std::size_t n) {
  std::vector<Hash256> result;
  for (std::size_t i = 0; i < n; ++i) result.push_back(digest(std::to_string(i)));
  return result;
}

Vote vote() {
  Vote v{.source = {1, digest("s")}, .target = {2, digest("t")}, .validator = {}};
  sign(kChain, v, key(1));
  return v;
}

// One of each kind, in the order of the variant.
std::vector<Message> samples() {
  test::TestChain chain;
  const TransactionPtr tx = chain.transfer(key(10), addr(key(11)), 1);
  chain.grow({tx});
  const NodeStatus status{5, digest("head"), {3, digest("j")}, {2, digest("f")}};
  return {Hello{std::string(kChain), digest("g"), status},
          StatusUpdate{status},
          GetPeers{},
          Peers{{{"sim/1"}, {"/ip4/127.0.0.1/tcp/4000"}}},
          Inventory{InventoryKind::kBlock, hashes(3)},
          Want{InventoryKind::kTransaction, hashes(2)},
          Transactions{{tx}},
          Blocks{{chain.head}},
          Votes{{vote(), vote()}},
          GetBlocks{hashes(4)},
          GetVotes{7}};
}

Result<Message> decode(ByteView bytes) {
  env::Memo memo(false);
  return decode_message(bytes, kChain, memo);
}

TEST(Messages, EachKindDecodesToWhatWasEncoded) {
  std::size_t kind = 0;
  for (const Message& message : samples()) {
    const Buffer encoded = encode_message(message);
    const auto decoded = decode(encoded.view());
    ASSERT_TRUE(decoded.has_value()) << kind << ": " << decoded.error().message;
    EXPECT_EQ(decoded->index(), kind);
    EXPECT_EQ(encode_message(*decoded), encoded);
    ++kind;
  }
  EXPECT_EQ(kind, std::variant_size_v<Message>);
}

TEST(Messages, EveryMutationIsRefusedOrEncodesToItself) {
  int refused = 0;
  for (const Message& message : samples()) {
    const Buffer encoded = encode_message(message);
    const Bytes good(encoded.view().begin(), encoded.view().end());
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes bad = good;
      bad[i] ^= 0x11;
      const auto decoded = decode(bad);
      refused += !decoded;
      EXPECT_TRUE(!decoded || encode_message(*decoded) == Buffer(bad)) << i;
    }
    for (std::size_t n = 0; n < good.size(); ++n) {
      EXPECT_FALSE(decode(ByteView(good).first(n))) << n;
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_FALSE(decode(longer));
  }
  EXPECT_GT(refused, 0);
}

TEST(Messages, UnknownKindsAreRefused) {
  for (int kind = static_cast<int>(std::variant_size_v<Message>); kind < 256; ++kind) {
    EXPECT_FALSE(decode(Bytes{static_cast<std::uint8_t>(kind)}));
  }
  EXPECT_FALSE(decode({}));
}

TEST(Messages, OneItemMoreThanTheBoundIsRefused) {
  const auto fits = [](const Message& m) { return decode(encode_message(m).view()).has_value(); };
  EXPECT_TRUE(fits(Inventory{InventoryKind::kBlock, hashes(kMaxInventory)}));
  EXPECT_FALSE(fits(Inventory{InventoryKind::kBlock, hashes(kMaxInventory + 1)}));
  EXPECT_TRUE(fits(Want{InventoryKind::kBlock, hashes(kMaxInventory)}));
  EXPECT_FALSE(fits(Want{InventoryKind::kBlock, hashes(kMaxInventory + 1)}));
  EXPECT_TRUE(fits(GetBlocks{hashes(kMaxLocator)}));
  EXPECT_FALSE(fits(GetBlocks{hashes(kMaxLocator + 1)}));
  EXPECT_TRUE(fits(Peers{std::vector<env::Address>(kMaxPeersInMessage, {"a"})}));
  EXPECT_FALSE(fits(Peers{std::vector<env::Address>(kMaxPeersInMessage + 1, {"a"})}));
  EXPECT_TRUE(fits(Peers{{{std::string(kMaxAddressText, 'a')}}}));
  EXPECT_FALSE(fits(Peers{{{std::string(kMaxAddressText + 1, 'a')}}}));
  EXPECT_TRUE(fits(Votes{std::vector<Vote>(kMaxVotesPerMessage, vote())}));
  EXPECT_FALSE(fits(Votes{std::vector<Vote>(kMaxVotesPerMessage + 1, vote())}));
  EXPECT_FALSE(fits(Hello{std::string(kMaxChainIdBytes + 1, 'c'), {}, {}}));
}

TEST(Messages, AStatedCountThatTheBytesCannotHoldAllocatesNothing) {
  // Kind, then a count of 2^32 - 1, then nothing.
  for (int kind = 0; kind < 11; ++kind) {
    Bytes bytes{static_cast<std::uint8_t>(kind), 0, 255, 255, 255, 255, 255, 255, 255, 255};
    EXPECT_FALSE(decode(bytes)) << kind;
  }
}

TEST(Messages, GarbageIsRefused) {
  RandomStream random(9, 0, stream_id("garbage"));
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes(random.below(300));
    for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random.next());
    if (!bytes.empty()) bytes[0] = static_cast<std::uint8_t>(random.below(12));
    const auto decoded = decode(bytes);
    EXPECT_TRUE(!decoded || encode_message(*decoded) == Buffer(bytes));
  }
}

TEST(Messages, WithTheMemoAndWithoutDecodeAlike) {
  env::Memo memo(true);
  for (const Message& message : samples()) {
    const Buffer encoded = encode_message(message);
    for (int i = 0; i < 2; ++i) {
      const auto shared = decode_message(encoded.view(), kChain, memo);
      ASSERT_TRUE(shared.has_value());
      EXPECT_EQ(encode_message(*shared), encoded);
    }
  }
  EXPECT_GT(memo.hits(), 0u);
  EXPECT_TRUE(shared_signature_check(vote(), kChain, memo));
  Vote bad = vote();
  bad.target.epoch += 1;
  EXPECT_FALSE(shared_signature_check(bad, kChain, memo));
}

}  // namespace
}  // namespace orrery::chain

#include "protocol/types/block.h"

#include <gtest/gtest.h>

#include <functional>

namespace orrery::chain {
namespace {

constexpr std::string_view kChain = "chain-a";
KeyPair key(std::uint8_t i) { return KeyPair::from_seed({i}); }
Hash256 hash(std::string_view text) { return sha256(as_bytes(text)); }

Vote vote(std::string_view target) {
  Vote v{.source = {1, hash("s")}, .target = {2, hash(target)}, .validator = {}};
  sign(kChain, v, key(3));
  return v;
}

TransactionPtr transaction(std::uint64_t nonce) {
  Transaction tx{.chain_id = std::string(kChain),
                 .sender = address_of(key(1).public_key()),
                 .nonce = nonce,
                 .tag = 1,
                 .payload = {9}};
  sign(tx, key(1));
  return *share_transaction(encode(tx));
}

InferenceProof proof() {
  return {.kind = ProofKind::kTask,
          .task = hash("task"),
          .input_digest = hash("input"),
          .output_digest = hash("output"),
          .transcript_root = hash("transcript"),
          .timestamp_ns = 12,
          .nonce = 34,
          .tokens = 56,
          .work = 78};
}

void seal(Block& block) {
  block.header.transactions_root = transactions_root(block.transactions);
  block.header.inference_hash = inference_hash(block.proofs);
  block.header.evidence_root = evidence_root(block.evidence);
  sign(kChain, block.header, key(2));
}

Block sample() {
  Block block;
  Header& h = block.header;
  h.parent = hash("parent");
  h.timestamp_ns = 1'000;
  h.height = 5;
  h.slot = 50;
  h.proposer = key(2).public_key();
  h.state_root = hash("state");
  h.randomness = vrf_prove(key(2), as_bytes("x"));
  h.difficulty = 11;
  h.nonce = 22;
  h.work = 33;
  block.transactions = {transaction(0), transaction(1)};
  block.proofs = {proof()};
  block.evidence = {{vote("a"), vote("b")}};
  seal(block);
  return block;
}

Result<BlockPtr> decode(ByteView bytes) { return decode_block(bytes, kChain, share_transaction); }

TEST(Block, DecodesToWhatWasEncoded) {
  const Block block = sample();
  const Bytes bytes = encode(block);
  EXPECT_EQ(encoded_size(block), bytes.size());
  const auto decoded = decode(bytes);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ((*decoded)->header(), block.header);
  EXPECT_EQ((*decoded)->block.proofs, block.proofs);
  EXPECT_EQ((*decoded)->block.evidence, block.evidence);
  EXPECT_EQ((*decoded)->hash, block_hash(kChain, block.header));
  EXPECT_EQ(encode((*decoded)->block), bytes);
}

TEST(Block, SizeIsKnownWithoutEncodingAnEmptyBlock) {
  Block block;
  EXPECT_EQ(encoded_size(block), encode(block).size());
}

TEST(Block, EveryChangedByteIsRefusedOrChangesHashOrSignature) {
  const Block block = sample();
  const Bytes good = encode(block);
  const Hash256 id = block_hash(kChain, block.header);
  int refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x20;
    const auto decoded = decode(bad);
    if (!decoded) {
      ++refused;
      continue;
    }
    EXPECT_EQ(encode((*decoded)->block), bad) << "byte " << i;
    EXPECT_FALSE(check_signature(kChain, (*decoded)->header())) << "byte " << i;
    const bool signature_only = (*decoded)->header().signature != block.header.signature;
    EXPECT_EQ((*decoded)->hash == id, signature_only) << "byte " << i;
  }
  EXPECT_GT(refused, 0);
}

TEST(Block, EveryTruncationIsRefused) {
  const Bytes good = encode(sample());
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode(ByteView(good).first(n))) << n;
}

TEST(Block, UnknownHeaderVersionIsRefused) {
  Block block = sample();
  block.header.version = kHeaderVersion + 1;
  seal(block);
  EXPECT_FALSE(decode(encode(block)));
}

TEST(Block, HashAndSignatureAreBoundToTheChain) {
  const Block block = sample();
  EXPECT_NE(block_hash(kChain, block.header), block_hash("chain-b", block.header));
  EXPECT_TRUE(check_signature(kChain, block.header));
  EXPECT_FALSE(check_signature("chain-b", block.header));
}

TEST(Block, AnyChangedFieldOfAnInferenceProofMakesTheBlockInvalid) {
  const std::function<void(InferenceProof&)> changes[] = {
      [](InferenceProof& p) { p.kind = ProofKind::kBackground; },
      [](InferenceProof& p) { p.task.bytes[31] ^= 1; },
      [](InferenceProof& p) { p.input_digest.bytes[0] ^= 1; },
      [](InferenceProof& p) { p.output_digest.bytes[7] ^= 1; },
      [](InferenceProof& p) { p.transcript_root.bytes[9] ^= 1; },
      [](InferenceProof& p) { p.timestamp_ns += 1; },
      [](InferenceProof& p) { p.nonce += 1; },
      [](InferenceProof& p) { p.tokens += 1; },
      [](InferenceProof& p) { p.work += 1; }};
  for (const auto& change : changes) {
    Block block = sample();
    change(block.proofs[0]);
    EXPECT_FALSE(check_roots(block));
    EXPECT_FALSE(decode(encode(block)));
    // Fixing the root breaks the producer's signature.
    block.header.inference_hash = inference_hash(block.proofs);
    EXPECT_TRUE(check_roots(block));
    EXPECT_FALSE(check_signature(kChain, block.header));
  }
}

TEST(Block, AddedDroppedOrReorderedItemsOfTheBodyAreRefused) {
  const std::function<void(Block&)> changes[] = {
      [](Block& b) { b.transactions.pop_back(); },
      [](Block& b) { std::swap(b.transactions[0], b.transactions[1]); },
      [](Block& b) { b.transactions.push_back(b.transactions[1]); },
      [](Block& b) { b.proofs.clear(); },
      [](Block& b) { b.proofs.push_back(b.proofs[0]); },
      [](Block& b) { b.evidence.clear(); },
      [](Block& b) { std::swap(b.evidence[0].first, b.evidence[0].second); }};
  for (const auto& change : changes) {
    Block block = sample();
    change(block);
    EXPECT_FALSE(decode(encode(block)));
  }
}

TEST(Block, AnyChangedFieldOfTheHeaderChangesItsHash) {
  const std::function<void(Header&)> changes[] = {
      [](Header& h) { h.version += 1; },
      [](Header& h) { h.parent.bytes[0] ^= 1; },
      [](Header& h) { h.timestamp_ns += 1; },
      [](Header& h) { h.height += 1; },
      [](Header& h) { h.slot += 1; },
      [](Header& h) { h.proposer = key(9).public_key(); },
      [](Header& h) { h.transactions_root.bytes[0] ^= 1; },
      [](Header& h) { h.inference_hash.bytes[0] ^= 1; },
      [](Header& h) { h.evidence_root.bytes[0] ^= 1; },
      [](Header& h) { h.state_root.bytes[0] ^= 1; },
      [](Header& h) { h.randomness.bytes[0] ^= 1; },
      [](Header& h) { h.difficulty += 1; },
      [](Header& h) { h.nonce += 1; },
      [](Header& h) { h.work += 1; }};
  const Header good = sample().header;
  for (const auto& change : changes) {
    Header header = good;
    change(header);
    EXPECT_NE(block_hash(kChain, header), block_hash(kChain, good));
    EXPECT_FALSE(check_signature(kChain, header));
  }
}

TEST(Block, CountsAboveTheirBoundsAreRefused) {
  Block block = sample();
  block.proofs.resize(kMaxBlockProofs + 1);
  seal(block);
  EXPECT_FALSE(decode(encode(block)));
  block = sample();
  block.evidence.resize(kMaxBlockEvidence + 1, block.evidence[0]);
  seal(block);
  EXPECT_FALSE(decode(encode(block)));
}

}  // namespace
}  // namespace orrery::chain

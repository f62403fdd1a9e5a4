// Blocks (G-2): a header, and a body of transactions, inference proofs and evidence. The header
// commits to each list by a Merkle root and to the state after the block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "protocol/crypto/keys.h"
#include "protocol/crypto/vrf.h"
#include "protocol/types/params.h"
#include "protocol/types/transaction.h"
#include "protocol/types/vote.h"

namespace orrery::chain {

inline constexpr std::uint16_t kHeaderVersion = 1;
inline constexpr std::uint32_t kMaxBlockProofs = 256;    // G-2: 50 to 200 tasks a block
inline constexpr std::uint32_t kMaxBlockEvidence = 32;   // one a validator is plenty
inline constexpr std::uint32_t kMaxBlockTransactions = 20'000;  // decoder's bound, above any param

struct Header {
  std::uint16_t version = kHeaderVersion;
  Hash256 parent;
  std::int64_t timestamp_ns = 0;  // start of the slot, Unix time
  std::uint64_t height = 0;
  std::uint64_t slot = 0;         // since genesis
  PublicKey proposer;
  Hash256 transactions_root;
  Hash256 inference_hash;         // Merkle root of the inference proofs
  Hash256 evidence_root;
  Hash256 state_root;             // after this block
  VrfProof randomness{};          // of VRF(proposer, epoch seed, height); its hash is the draw
  std::uint64_t difficulty = 0;   // lottery target per unit of weight; smaller is harder
  std::uint64_t nonce = 0;        // the lottery draw of this slot, which beat the target
  std::uint64_t work = 0;         // verified work units counted by fork choice
  Signature signature{};

  bool operator==(const Header&) const = default;
};

enum class ProofKind : std::uint8_t { kTask = 0, kBackground = 1 };

// Evidence that the producer executed an inference (3-02). A kTask proof repeats what its producer
// revealed on chain; a kBackground proof is for a task derived from parent hash and producer (P-2).
struct InferenceProof {
  ProofKind kind = ProofKind::kBackground;
  Hash256 task;
  Hash256 input_digest;
  Hash256 output_digest;
  Hash256 transcript_root;  // the computation proof: any leaf of it can be disputed
  std::int64_t timestamp_ns = 0;  // of the block
  std::uint64_t nonce = 0;        // sampling seed used
  std::uint32_t tokens = 0;       // generated
  std::uint64_t work = 0;         // work units by formula

  bool operator==(const InferenceProof&) const = default;
};

// Two votes that one validator must not have signed both (P-5).
struct Evidence {
  Vote first;
  Vote second;
  bool operator==(const Evidence&) const = default;
};

struct Block {
  Header header;
  std::vector<TransactionPtr> transactions;
  std::vector<InferenceProof> proofs;
  std::vector<Evidence> evidence;
};

// A block with what is computed once from its bytes; shared by all nodes, hence the shared_ptr.
struct SharedBlock {
  Block block;
  Hash256 hash;
  Buffer encoded;
  const Header& header() const { return block.header; }
};
using BlockPtr = std::shared_ptr<const SharedBlock>;

Bytes encode_header(const Header& header);
Bytes encode(const Block& block);
std::size_t encoded_size(const Block& block);  // of encode(block), without the copy
// `source` turns an encoded transaction into a shared one: share_transaction, or a memo around it.
using TransactionSource = std::function<Result<TransactionPtr>(ByteView)>;
Result<BlockPtr> decode_block(ByteView bytes, std::string_view chain_id,
                              const TransactionSource& source);
// Hash of all header fields but the signature.
Hash256 block_hash(std::string_view chain_id, const Header& header);
BlockPtr share_block(Block block, std::string_view chain_id);

Hash256 transactions_root(const std::vector<TransactionPtr>& transactions);
Hash256 inference_hash(const std::vector<InferenceProof>& proofs);
Hash256 evidence_root(const std::vector<Evidence>& evidence);

// Signs the header's hash; check verifies it.
void sign(std::string_view chain_id, Header& header, const KeyPair& key);
bool check_signature(std::string_view chain_id, const Header& header);

// kMalformed unless the three roots of the header match the body.
Status check_roots(const Block& block);

}  // namespace orrery::chain

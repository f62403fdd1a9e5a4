// A transaction (G-3): an envelope that every payload shares, and one payload named by its tag. The
// set of tags is closed by the module table (protocol/ledger/module.h): an unknown tag is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "protocol/crypto/multisig.h"
#include "protocol/types/params.h"

namespace orrery::chain {

inline constexpr std::uint8_t kTransactionVersion = 1;
inline constexpr std::size_t kMaxPayloadBytes = 8 * 1024;  // a prompt or an answer, with room
// With room for the envelope and 16 signers.
inline constexpr std::size_t kMaxTransactionBytes = kMaxPayloadBytes + 2048;
inline constexpr std::size_t kMaxChainIdBytes = 32;

using PayloadTag = std::uint16_t;

// Proof that the sender agreed: k signatures by keys of an n-key account whose address is the
// sender (n = k = 1 is an ordinary account).
struct Authorization {
  MultisigPolicy policy;
  std::vector<MultisigSignature> signatures;
  bool operator==(const Authorization&) const = default;
};

struct Transaction {
  std::uint8_t version = kTransactionVersion;
  std::string chain_id;
  Address sender;
  std::uint64_t nonce = 0;        // the sender's next, from 0
  Amount fee = 0;                 // at least the base fee; all of it goes to the producer (A4)
  std::uint64_t valid_until = 0;  // last height at which a block may include it
  PayloadTag tag = 0;
  Bytes payload;                  // canonical encoding of the tagged payload
  Authorization authorization;

  bool operator==(const Transaction&) const = default;
};

Bytes encode(const Transaction& tx);
// kMalformed unless `bytes` is the canonical encoding of a transaction. The payload stays opaque
// here; admission checks it against the module table.
Result<Transaction> decode_transaction(ByteView bytes);

// What the signatures sign: domain tag, chain id and all fields but the authorization.
Bytes signing_bytes(const Transaction& tx);
// Hash of the full encoding: the id used by inventories, receipts and Merkle trees.
Hash256 transaction_id(const Transaction& tx);

void sign(Transaction& tx, const KeyPair& key);
// kRefused with the reason if the signatures do not authorize the sender.
Status check_authorization(const Transaction& tx);

// A decoded transaction with its id and size, shared by mempools and blocks of all nodes; made once
// a process through the memo, hence the shared_ptr.
struct SharedTransaction {
  Transaction tx;
  Hash256 id;
  Buffer encoded;
  bool authorized = false;  // check_authorization succeeded
};
using TransactionPtr = std::shared_ptr<const SharedTransaction>;

// Decodes, hashes and checks the signatures; an unauthorized transaction is returned as such.
Result<TransactionPtr> share_transaction(ByteView encoded);

}  // namespace orrery::chain

#include "protocol/types/transaction.h"

#include "engine/base/codec.h"

namespace orrery::chain {
namespace {

void write_body(Writer& out, const Transaction& tx) {
  out.u8(tx.version).text(tx.chain_id).array(tx.sender.bytes).u64(tx.nonce).wide(tx.fee);
  out.u64(tx.valid_until).u16(tx.tag).bytes(tx.payload);
}

Domain transaction_domain(const Transaction& tx) { return {"orrery/transaction/1", tx.chain_id}; }

}  // namespace

Bytes encode(const Transaction& tx) {
  Writer out;
  write_body(out, tx);
  encode(out, tx.authorization.policy);
  encode(out, tx.authorization.signatures);
  return out.take();
}

Result<Transaction> decode_transaction(ByteView bytes) {
  Reader in(bytes);
  Transaction tx;
  tx.version = in.u8();
  if (tx.version != kTransactionVersion) in.fail("unknown transaction version");
  tx.chain_id = in.text(kMaxChainIdBytes);
  tx.sender = Address{in.array<20>()};
  tx.nonce = in.u64();
  tx.fee = in.wide();
  tx.valid_until = in.u64();
  tx.tag = in.u16();
  const ByteView payload = in.bytes(kMaxPayloadBytes);
  tx.payload.assign(payload.begin(), payload.end());
  tx.authorization.policy = decode_multisig_policy(in);
  tx.authorization.signatures = decode_multisig_signatures(in);
  TRY(in.finish());
  return tx;
}

Bytes signing_bytes(const Transaction& tx) {
  Writer out;
  write_body(out, tx);
  return signing_message(transaction_domain(tx), out.view());
}

Hash256 transaction_id(const Transaction& tx) {
  return domain_hash({"orrery/transaction-id/1", tx.chain_id}, encode(tx));
}

void sign(Transaction& tx, const KeyPair& key) {
  tx.authorization.policy = {1, {key.public_key()}};
  tx.authorization.signatures = {{0, sign(key, signing_bytes(tx))}};
}

Status check_authorization(const Transaction& tx) {
  const MultisigPolicy& policy = tx.authorization.policy;
  TRY(policy.check());
  const bool single = policy.keys.size() == 1;
  const Address expected = single ? address_of(policy.keys[0]) : multisig_address(policy);
  if (expected != tx.sender) return fail(ErrorCode::kRefused, "the keys are not the sender's");
  if (!multisig_verify(policy, signing_bytes(tx), tx.authorization.signatures)) {
    return fail(ErrorCode::kRefused, "the signatures do not authorize the sender");
  }
  return {};
}

Result<TransactionPtr> share_transaction(ByteView encoded) {
  auto tx = decode_transaction(encoded);
  if (!tx) return tl::unexpected<Error>(tx.error());
  auto shared = std::make_shared<SharedTransaction>();
  shared->id = transaction_id(*tx);
  shared->encoded = Buffer(Bytes(encoded.begin(), encoded.end()));
  shared->authorized = check_authorization(*tx).has_value();
  shared->tx = std::move(*tx);
  return TransactionPtr(std::move(shared));
}

}  // namespace orrery::chain

#include "protocol/node/wallet.h"

#include "protocol/node/rare.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::chain {

Result<Hash256> Wallet::submit(env::Env& env, PayloadTag tag, Bytes payload) {
  const std::uint64_t height = chain_.head().height() + 1;
  Transaction tx{.chain_id = chain_.params().id,
                 .sender = address(),
                 .nonce = next_nonce(),
                 .fee = chain_.params().fees.base_fee,
                 .valid_until = height + kValidBlocks,
                 .tag = tag,
                 .payload = std::move(payload)};
  sign(tx, config_.key);
  ASSIGN_OR_RETURN(const TransactionPtr shared, shared_transaction(encode(tx), env.memo));
  return admit(env, shared);
}

Result<Hash256> Wallet::pass_on(env::Env& env, ByteView encoded) {
  ASSIGN_OR_RETURN(const TransactionPtr shared, shared_transaction(encoded, env.memo));
  if (mempool_.contains(shared->id)) return shared->id;
  return admit(env, shared);
}

Result<Hash256> Wallet::admit(env::Env& env, const TransactionPtr& tx) {
  if (rare(env, kRefuse)) return fail(ErrorCode::kLimit, "the pool takes nothing now");
  TRY(mempool_.add(tx, chain_.state(), chain_.head().height() + 1));
  env.trace.emit({.kind = kTraceTxAdmitted, .n = {tx->tx.nonce}, .a = tx->id});
  gossip_.announce_transaction(env, tx->id);
  return tx->id;
}

void Wallet::fulfil(env::Env& env, PayloadTag tag, const Hash256& subject, Bytes payload) {
  std::erase_if(pending_, [&](const auto& item) { return !mempool_.contains(item.second); });
  if (pending_.count({tag, subject}) != 0) return;
  const auto id = submit(env, tag, std::move(payload));
  if (id) {
    pending_[{tag, subject}] = *id;
  } else {
    env.log.write(env::LogLevel::kWarn, config_.name + ": " + id.error().message);
  }
}

}  // namespace orrery::chain

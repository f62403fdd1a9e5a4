// Valid values of the chain that fuzz targets start from.
#pragma once

#include "protocol/ledger/ledger.h"
#include "protocol/ledger/staking.h"
#include "protocol/types/block.h"
#include "protocol/work/task.h"

namespace orrery::fuzz {

inline constexpr std::string_view kChain = "fuzz-1";

inline chain::KeyPair sample_key() { return chain::KeyPair::from_seed({1}); }

inline chain::Transaction sample_transaction(chain::PayloadTag tag = chain::kTransferTag,
                                             Bytes payload = {1, 2, 3}) {
  chain::Transaction tx{.chain_id = std::string(kChain),
                        .sender = address_of(sample_key().public_key()),
                        .nonce = 3,
                        .fee = 1'000,
                        .valid_until = 9,
                        .tag = tag,
                        .payload = std::move(payload)};
  sign(tx, sample_key());
  return tx;
}

inline chain::Vote sample_vote(std::uint64_t target = 2) {
  chain::Vote vote{.source = {1, sha256(as_bytes("s"))},
                   .target = {target, sha256(as_bytes("t"))},
                   .validator = {}};
  sign(kChain, vote, sample_key());
  return vote;
}

inline chain::BlockPtr sample_block() {
  chain::Block block;
  block.header.height = 1;
  block.header.proposer = sample_key().public_key();
  block.transactions = {*chain::share_transaction(encode(sample_transaction()))};
  block.proofs.resize(2);
  block.evidence = {{sample_vote(2), sample_vote(3)}};
  block.header.transactions_root = transactions_root(block.transactions);
  block.header.inference_hash = inference_hash(block.proofs);
  block.header.evidence_root = evidence_root(block.evidence);
  sign(kChain, block.header, sample_key());
  return share_block(std::move(block), kChain);
}

inline chain::RequestPayload sample_request() {
  chain::RequestPayload request{.prompt = {'h', 'i'}};
  request.params = gpu::SamplingParams{.max_tokens = 4}.encode();
  return request;
}

}  // namespace orrery::fuzz

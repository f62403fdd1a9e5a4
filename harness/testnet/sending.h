// From an intention to a final transaction: what the chain asks of an envelope, signing on this
// side, submitting, and waiting. Keys never leave the process.
#pragma once

#include <optional>
#include <string>

#include "harness/testnet/client.h"
#include "protocol/types/transaction.h"
#include "scenarios/schema/quantity.h"

namespace orrery::testnet {

// What a transaction must know of the chain.
struct ChainTerms {
  std::string chain_id;
  scenario::Currency currency;
  chain::Amount base_fee = 0;
  std::uint64_t height = 0;
  std::uint64_t finalized_height = 0;
};
// Errors of RpcClient::call; kMalformed if the answer lacks a member.
Result<ChainTerms> ask_terms(const RpcClient& node);

struct AccountState {
  chain::Amount balance = 0;
  chain::Amount stake = 0;
  std::uint64_t nonce = 0;  // the next one, after what waits in the node's pool
};
Result<AccountState> ask_account(const RpcClient& node, const chain::Address& who);

// "12.5 AIGEN" in base units. kInvalidArgument, also for amounts below zero.
Result<chain::Amount> parse_amount(const std::string& text, const scenario::Currency& currency);

struct Order {
  chain::PayloadTag tag = 0;
  Bytes payload;
  std::optional<std::uint64_t> nonce;  // nothing: the account's next
  std::optional<chain::Amount> fee;    // nothing: the base fee
};

// Signed, valid for as many blocks as a node's own transactions are. Pure.
chain::Transaction make_transaction(const ChainTerms& terms, const Order& order,
                                    std::uint64_t nonce, const chain::KeyPair& key);
// Asks for the nonce if the order names none.
Result<chain::Transaction> sign_order(const RpcClient& node, const ChainTerms& terms,
                                      const Order& order, const chain::KeyPair& key);

// kRefused: the node's words.
Status submit(const RpcClient& node, const chain::Transaction& tx);

// Signs and submits. Where the order names no nonce and somebody else with the same key was faster
// (the node that the account belongs to pays with it, too), it is signed again, a few times.
Result<chain::Transaction> send_order(const RpcClient& node, const ChainTerms& terms,
                                      const Order& order, const chain::KeyPair& key);

struct Inclusion {
  std::uint64_t height = 0;
  std::string block;  // hash
  bool final = false;
  std::optional<bool> ok;  // whether it did what it says; nothing: this node has forgotten
};
enum class WaitFor { kIncluded, kFinal };

// Asks again and again, with growing pauses. A node that is away for a while is waited for.
// kRefused: it can never be included any more, its last block is final without it.
// kLimit: not within `timeout`; says how far it came.
Result<Inclusion> wait_for(const RpcClient& node, const Hash256& id, std::uint64_t valid_until,
                           WaitFor what, Duration timeout);

}  // namespace orrery::testnet

#include "harness/testnet/sending.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "protocol/node/wallet.h"

namespace orrery::testnet {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kNonceTries = 4;  // the node of an account signs a few times a second at most
// Blocks come every second or slower; a node allows thousands of calls a second.
constexpr auto kFirstPause = std::chrono::milliseconds(50);
constexpr auto kLongestPause = std::chrono::milliseconds(1000);

chain::Amount amount_in(const json& value, const char* name) {
  const auto amount = parse_decimal(value.at(name).get<std::string>());
  if (!amount) throw std::invalid_argument(std::string(name) + " is not a decimal amount");
  return *amount;
}

// Calls and reads the result with `read`, which throws if the result is not as it should be.
template <class Read>
auto ask(const RpcClient& node, const char* method, const json& params, const Read& read)
    -> Result<decltype(read(params))> {
  ASSIGN_OR_RETURN(const std::string text, node.call(method, params.dump()));
  try {
    return read(json::parse(text));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kMalformed, fmt::format("{} {}: {}", node.url(), method, error.what()));
  }
}

Result<std::optional<Inclusion>> look_for(const RpcClient& node, const Hash256& id) {
  return ask(node, "getTransaction", {{"hash", to_hex(id)}},
             [](const json& tx) -> std::optional<Inclusion> {
               if (tx.is_null()) return std::nullopt;
               Inclusion found{
                   .height = tx.at("height"), .block = tx.at("block"), .final = tx.at("final")};
               if (!tx.at("ok").is_null()) found.ok = tx.at("ok").get<bool>();
               return found;
             });
}

}  // namespace

Result<ChainTerms> ask_terms(const RpcClient& node) {
  return ask(node, "getChainInfo", json::object(), [](const json& info) {
    return ChainTerms{.chain_id = info.at("chain_id"),
                      .currency = {.symbol = info.at("symbol"), .decimals = info.at("decimals")},
                      .base_fee = amount_in(info, "base_fee"),
                      .height = info.at("height"),
                      .finalized_height = info.at("finalized_height")};
  });
}

Result<AccountState> ask_account(const RpcClient& node, const chain::Address& who) {
  return ask(node, "getAccount", {{"address", who.hex()}}, [](const json& account) {
    return AccountState{.balance = amount_in(account, "balance"),
                        .stake = amount_in(account, "stake"),
                        .nonce = account.at("nonce")};
  });
}

Result<chain::Amount> parse_amount(const std::string& text, const scenario::Currency& currency) {
  ASSIGN_OR_RETURN(const i128 amount, scenario::parse_money(text, currency));
  if (amount < 0) return fail(ErrorCode::kInvalidArgument, text + ": an amount below zero");
  return static_cast<chain::Amount>(amount);
}

chain::Transaction make_transaction(const ChainTerms& terms, const Order& order,
                                    std::uint64_t nonce, const chain::KeyPair& key) {
  chain::Transaction tx{.chain_id = terms.chain_id,
                        .sender = chain::address_of(key.public_key()),
                        .nonce = nonce,
                        .fee = order.fee.value_or(terms.base_fee),
                        .valid_until = terms.height + 1 + chain::Wallet::kValidBlocks,
                        .tag = order.tag,
                        .payload = order.payload};
  chain::sign(tx, key);
  return tx;
}

Result<chain::Transaction> sign_order(const RpcClient& node, const ChainTerms& terms,
                                      const Order& order, const chain::KeyPair& key) {
  if (order.nonce) return make_transaction(terms, order, *order.nonce, key);
  ASSIGN_OR_RETURN(const AccountState account,
                   ask_account(node, chain::address_of(key.public_key())));
  return make_transaction(terms, order, account.nonce, key);
}

Status submit(const RpcClient& node, const chain::Transaction& tx) {
  const json params{{"encoded", to_hex(chain::encode(tx))}};
  const auto accepted = ask(node, "submitTransaction", params, [](const json& answer) {
    return answer.at("tx_hash").get<std::string>();
  });
  if (!accepted) return tl::unexpected<Error>(accepted.error());
  return {};
}

Result<chain::Transaction> send_order(const RpcClient& node, const ChainTerms& terms,
                                      const Order& order, const chain::KeyPair& key) {
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(chain::Transaction tx, sign_order(node, terms, order, key));
    const Status sent = submit(node, tx);
    if (sent) return tx;
    const bool refused = sent.error().code == ErrorCode::kRefused;
    if (!refused || order.nonce || attempt == kNonceTries) {
      return tl::unexpected<Error>(sent.error());
    }
    ASSIGN_OR_RETURN(const AccountState account, ask_account(node, tx.sender));
    if (account.nonce == tx.nonce) return tl::unexpected<Error>(sent.error());
  }
}

Result<Inclusion> wait_for(const RpcClient& node, const Hash256& id, std::uint64_t valid_until,
                           WaitFor what, Duration timeout) {
  const auto deadline = Clock::now() + std::chrono::nanoseconds(timeout.ns);
  std::chrono::milliseconds pause = kFirstPause;
  std::string so_far = "no block holds it yet";
  for (;;) {
    // First the height, then the look: a block between the two must not make it seem lost.
    const auto terms = ask_terms(node);
    const auto found = terms ? look_for(node, id) : tl::unexpected<Error>(terms.error());
    if (!found) {
      so_far = found.error().message;
      const bool away =
          found.error().code == ErrorCode::kIo || found.error().code == ErrorCode::kLimit;
      if (!away) return tl::unexpected<Error>(found.error());
    } else if (*found) {
      if ((*found)->final || what == WaitFor::kIncluded) return **found;
      so_far = fmt::format("in block {}, which is not final", (*found)->height);
    } else if (terms->finalized_height >= valid_until) {
      return fail(ErrorCode::kRefused, fmt::format("{}: expired; no block up to {} included it",
                                                   to_hex(id), valid_until));
    }
    if (Clock::now() + pause > deadline) {
      return fail(ErrorCode::kLimit, fmt::format("{}: not in time, after {} s: {}", to_hex(id),
                                                 static_cast<double>(timeout.ns) * 1e-9, so_far));
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 3 / 2, kLongestPause);
  }
}

}  // namespace orrery::testnet

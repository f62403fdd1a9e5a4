// tx: accounts, keys, and transactions that are signed here and sent to a node.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/hash_text.h"
#include "harness/cli/asking.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/net.h"
#include "harness/cli/terminal.h"
#include "harness/testnet/key_file.h"
#include "harness/testnet/sending.h"
#include "protocol/ledger/ledger.h"
#include "protocol/ledger/staking.h"
#include "protocol/work/task.h"

namespace orrery::cli {
namespace {

using nlohmann::json;
using testnet::Order;

int keygen(const TxArgs& args) {
  const auto key = testnet::create_key_file(args.file);
  if (!key) return client_error(key.error());
  const std::string address = chain::address_of(key->public_key()).hex();
  if (args.ask.json) {
    fmt::print(
        "{}\n",
        json{{"file", args.file}, {"address", address}, {"public_key", key->public_key().hex()}}
            .dump());
  } else {
    fmt::print("{}\n", address);
    say(fmt::format("{}: a new key; whoever reads it can spend what the address holds", args.file));
  }
  return kHeld;
}

Result<json> account_rows(const Asked& asked, const testnet::ChainTerms& terms) {
  json rows = json::array();
  for (const testnet::NamedAccount& account : asked.accounts.named()) {
    ASSIGN_OR_RETURN(const testnet::AccountState state,
                     testnet::ask_account(asked.node, account.address()));
    rows.push_back({{"name", account.name},
                    {"role", account.role},
                    {"address", account.address().hex()},
                    {"public_key", account.key.public_key().hex()},
                    {"balance", to_decimal(state.balance)},
                    {"stake", to_decimal(state.stake)},
                    {"balance_text", scenario::format_money(state.balance, terms.currency)},
                    {"stake_text", scenario::format_money(state.stake, terms.currency)},
                    {"nonce", state.nonce}});
  }
  return rows;
}

int keys(const TxArgs& args) {
  const auto asked = find_node(args.ask);
  if (!asked) return client_error(asked.error());
  if (asked->accounts.named().empty()) {
    complain("tx keys: names come from a home; --home DIR says which");
    return kUsage;
  }
  const auto terms = testnet::ask_terms(asked->node);
  if (!terms) return client_error(terms.error());
  const auto rows = account_rows(*asked, *terms);
  if (!rows) return client_error(rows.error());
  if (args.ask.json) {
    fmt::print("{}\n", rows->dump());
    return kHeld;
  }
  constexpr const char* kLine = "{:<16}  {:<11}  {:<40}  {:<64}  {:>24}  {:>20}  {:>6}\n";
  fmt::print(kLine, "name", "role", "address", "public key", "balance", "stake", "nonce");
  for (const json& row : *rows) {
    fmt::print(kLine, row["name"].get<std::string>(), row["role"].get<std::string>(),
               row["address"].get<std::string>(), row["public_key"].get<std::string>(),
               row["balance_text"].get<std::string>(), row["stake_text"].get<std::string>(),
               row["nonce"].get<std::uint64_t>());
  }
  return kHeld;
}

Result<Order> task_order(const TxArgs& args, const testnet::RpcClient& node) {
  ASSIGN_OR_RETURN(const std::string text,
                   node.call("getModelInfo", json{{"model_id", args.model}}.dump()));
  const json model = json::parse(text, nullptr, false);
  const auto digest = hash_from_hex(model.is_object() ? model.value("digest", "") : "");
  if (!digest) {
    return fail(ErrorCode::kMalformed, node.url() + " getModelInfo: no digest");
  }
  chain::RequestPayload request;
  request.model = *digest;
  request.prompt = Bytes(args.prompt.begin(), args.prompt.end());
  const gpu::SamplingParams sampling{.max_tokens = args.tokens};
  TRY(gpu::validate(sampling));
  request.params = sampling.encode();
  return Order{.tag = chain::kRequestTag, .payload = encode(request)};
}

Result<Order> payload_of(const TxArgs& args, const Asked& asked, const testnet::ChainTerms& terms) {
  if (args.what == "task") return task_order(args, asked.node);
  ASSIGN_OR_RETURN(
      const chain::Amount amount,
      testnet::parse_amount(fmt::format("{}", fmt::join(args.amount, " ")), terms.currency));
  if (args.what == "transfer") {
    ASSIGN_OR_RETURN(const chain::Address to, asked.accounts.address(args.to));
    return Order{.tag = chain::kTransferTag, .payload = encode(chain::TransferPayload{to, amount})};
  }
  if (args.what == "unstake") {
    return Order{.tag = chain::kUnstakeTag, .payload = encode(chain::UnstakePayload{amount})};
  }
  if (!args.validator && !args.worker) {
    return fail(ErrorCode::kInvalidArgument, "tx stake: say --validator, --worker or both");
  }
  return Order{.tag = chain::kStakeTag,
               .payload = encode(chain::StakePayload{amount, args.validator, args.worker})};
}

Result<Order> order_of(const TxArgs& args, const Asked& asked, const testnet::ChainTerms& terms) {
  ASSIGN_OR_RETURN(Order order, payload_of(args, asked, terms));
  order.nonce = args.nonce;
  if (!args.fee.empty()) {
    ASSIGN_OR_RETURN(order.fee, testnet::parse_amount(args.fee, terms.currency));
  }
  return order;
}

json describe(const chain::Transaction& tx, const TxArgs& args) {
  json row{{"schema", "orrery.tx/1"},   {"hash", to_hex(chain::transaction_id(tx))},
           {"sender", tx.sender.hex()}, {"nonce", tx.nonce},
           {"fee", to_decimal(tx.fee)}, {"valid_until", tx.valid_until}};
  if (tx.tag == chain::kRequestTag) {
    row["task"] = to_hex(chain::task_id(tx.chain_id, tx.sender, tx.nonce));
  }
  if (args.wait == "none") row["status"] = "pending";
  return row;
}

// Waits as asked, tells, and gives the exit code.
int follow(const TxArgs& args, const testnet::RpcClient& node, const chain::Transaction& tx,
           Duration timeout) {
  json row = describe(tx, args);
  if (!args.ask.json) {
    fmt::print("{}\n", row["hash"].get<std::string>());
    std::fflush(stdout);  // it is worth having, whatever the wait brings
    if (row.contains("task")) say("task       " + row["task"].get<std::string>());
  }
  int code = kHeld;
  if (args.wait != "none") {
    const auto what = args.wait == "final" ? testnet::WaitFor::kFinal : testnet::WaitFor::kIncluded;
    const auto placed =
        testnet::wait_for(node, chain::transaction_id(tx), tx.valid_until, what, timeout);
    if (!placed) {
      row["status"] = placed.error().code == ErrorCode::kRefused ? "expired" : "pending";
      code = client_error(placed.error());
    } else {
      row["status"] = placed->final ? "final" : "included";
      row.update({{"height", placed->height}, {"block", placed->block}, {"final", placed->final}});
      row["ok"] = placed->ok ? json(*placed->ok) : json();
      if (!args.ask.json) {
        say(fmt::format("{}   block {}", placed->final ? "final   " : "included", placed->height));
      }
      if (placed->ok == false) {
        code = client_error({ErrorCode::kRefused,
                             "the transaction failed when its block executed it: it changed "
                             "nothing, and its fee is paid"});
      } else if (!placed->ok) {
        say("this node has forgotten whether it succeeded: it was started again since");
      }
    }
  }
  if (args.ask.json) fmt::print("{}\n", row.dump());
  return code;
}

int send_encoded(const TxArgs& args, const testnet::RpcClient& node, Duration timeout) {
  const auto bytes = from_hex(args.encoded);
  const auto tx = bytes
                      ? chain::decode_transaction(*bytes)
                      : Result<chain::Transaction>(fail(ErrorCode::kMalformed, "not hexadecimal"));
  if (!tx) {
    complain("tx send: not a transaction: " + tx.error().message);
    return kUsage;
  }
  const Status sent = testnet::submit(node, *tx);
  if (!sent) return client_error(sent.error());
  return follow(args, node, *tx, timeout);
}

int sign_and_send(const TxArgs& args, const Asked& asked, Duration timeout) {
  // The key first: a wrong name should not depend on a node.
  const auto key = asked.accounts.key(args.from);
  if (!key) {
    complain("--from " + key.error().message);
    return exit_code(key.error());
  }
  const auto terms = testnet::ask_terms(asked.node);
  if (!terms) return client_error(terms.error());
  const auto order = order_of(args, asked, *terms);
  if (!order) return client_error(order.error());
  if (args.print) {
    const auto tx = testnet::sign_order(asked.node, *terms, *order, *key);
    if (!tx) return client_error(tx.error());
    fmt::print("{}\n", to_hex(encode(*tx)));
    return kHeld;
  }
  const auto tx = testnet::send_order(asked.node, *terms, *order, *key);
  if (!tx) return client_error(tx.error());
  return follow(args, asked.node, *tx, timeout);
}

}  // namespace

int tx_command(const TxArgs& args) {
  if (args.what == "keygen") return keygen(args);
  if (args.what == "keys") return keys(args);
  const auto timeout = parse_timeout(args.timeout);
  if (!timeout) return give_up(timeout.error());
  const auto asked = find_node(args.ask);
  if (!asked) return client_error(asked.error());
  if (args.what == "send") return send_encoded(args, asked->node, *timeout);
  return sign_and_send(args, *asked, *timeout);
}

}  // namespace orrery::cli

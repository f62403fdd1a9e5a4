#include "harness/testnet/rpc/network_methods.h"

#include <algorithm>

#include "engine/base/hash_text.h"
#include "harness/testnet/rpc/views.h"
#include "protocol/ledger/accounts.h"
#include "protocol/models/registry.h"

namespace orrery::testnet {
namespace {

constexpr std::size_t kMaxTasksListed = 100;
constexpr std::size_t kMaxAccountsListed = 100;
// Accounts looked at for the list of the richest: with more, the list is of these and says so.
constexpr std::size_t kMaxAccountsScanned = 20'000;
constexpr std::int64_t kSyncingIntervals = 30;  // of silence; chance alone gives exp(-30)

Json peer_json(const PeerView& peer) {
  const auto key = chain::PublicKey::from_hex(peer.key);
  return object({{"name", peer.name},
                 {"key", peer.key},
                 {"account", key ? Json(chain::address_of(*key).hex()) : Json(nullptr)},
                 {"address", peer.address},
                 {"outbound", peer.outbound}});
}

Json fault_json(const FaultView& fault) {
  return object({{"name", fault.name},
                 {"kind", fault.kind},
                 {"active", fault.active},
                 {"begin_ms", fault.begin_ms},
                 {"end_ms", fault.end_ms}});
}

std::string model_name(const ReadContext& c, const Hash256& digest) {
  const auto record = chain::model_record(c.chain().state(), digest);
  return record ? record->name : "";
}

struct Account {
  std::string address;
  chain::Amount liquid = 0;
  chain::Amount staked = 0;
  chain::Amount total() const { return liquid + staked; }
};

// Accounts with money by address, from "/accounts/<address>/balance" and "/stakes/...".
std::vector<Account> accounts_of(const chain::StateTree& state, bool& partial) {
  constexpr std::string_view kAccounts = "/accounts/";
  constexpr std::string_view kBalance = "/balance";
  constexpr std::size_t kAddressDigits = 2 * chain::Address::kSize;
  std::vector<Account> accounts;
  partial = false;
  state.for_each(kAccounts, [&](std::string_view path, ByteView) {
    if (!path.ends_with(kBalance)) return true;
    if (accounts.size() >= kMaxAccountsScanned) {
      partial = true;
      return false;
    }
    Account account{.address = std::string(path.substr(kAccounts.size(), kAddressDigits))};
    const auto who = chain::Address::from_hex(account.address);
    if (!who) return true;
    account.liquid = chain::amount_at(state, path);
    account.staked = chain::amount_at(state, chain::stake_path(*who));
    accounts.push_back(std::move(account));
    return true;
  });
  return accounts;
}

}  // namespace

Json node_json(NodeView& view) {
  const chain::PublicKey& key = view.node().config().key.public_key();
  return object({{"name", view.name()},
                 {"role", view.role()},
                 {"key", key.hex()},
                 {"address", chain::address_of(key).hex()}});
}

bool is_syncing(NodeView& view) {
  const chain::Chain& chain = view.node().chain();
  const std::int64_t age = view.env().clock.wall().ns - chain.head().header().timestamp_ns;
  return age > kSyncingIntervals * chain.params().consensus.block_interval.ns;
}

RpcResult get_health(const ReadContext& c, const Params&) {
  const std::size_t peers = c.view.node().gossip().peers();
  const bool syncing = is_syncing(c.view);
  return object({{"status", syncing      ? "syncing"
                            : peers == 0 ? "alone"
                                         : "ok"},
                 {"height", c.chain().head().height()},
                 {"finalized_height", c.chain().finalized_height()},
                 {"peers", peers},
                 {"mempool", c.view.node().mempool().size()},
                 {"syncing", syncing},
                 {"head_age_ms",
                  unix_ms(c.view.env().clock.wall().ns - c.chain().head().header().timestamp_ns)}});
}

Json network_status(const ReadContext& c) {
  const NetworkCounters counters = c.view.counters();
  std::size_t active = 0;
  for (const FaultView& fault : c.view.faults()) active += fault.active ? 1 : 0;
  return object({{"peers", c.view.node().gossip().peers()},
                 {"height", c.chain().head().height()},
                 {"finalized_height", c.chain().finalized_height()},
                 {"mempool", c.view.node().mempool().size()},
                 {"syncing", is_syncing(c.view)},
                 {"active_faults", active},
                 {"messages_sent", counters.messages_sent},
                 {"messages_received", counters.messages_received},
                 {"bytes_sent", counters.bytes_sent},
                 {"bytes_received", counters.bytes_received}});
}

RpcResult get_network(const ReadContext& c, const Params&) {
  std::vector<Json> peers;
  for (const PeerView& peer : c.view.peers()) peers.push_back(peer_json(peer));
  std::vector<Json> faults;
  for (const FaultView& fault : c.view.faults()) faults.push_back(fault_json(fault));
  return object({{"node", node_json(c.view)},
                 {"peers", array(peers)},
                 {"faults", array(faults)},
                 {"status", network_status(c)}});
}

RpcResult get_task(const ReadContext& c, const Params& params) {
  const auto text = params.get("task", 0).text();
  const auto id = text ? hash_from_hex(*text) : std::nullopt;
  if (!id) return refuse(kInvalidParams, "task is 64 hexadecimal digits");
  const auto task = chain::find_task(c.chain().state(), *id);
  if (!task) return Json(nullptr);
  return task_json(*task, model_name(c, task->model));
}

// Tasks of users, newest first, and how many ended how in the window that the server follows.
RpcResult get_tasks(const ReadContext& c, const Params& params) {
  const std::uint64_t limit =
      std::min<std::uint64_t>(params.get("limit", 0).u64().value_or(20), kMaxTasksListed);
  const chain::StateTree& state = c.chain().state();
  std::map<std::string, std::uint64_t> counts;
  std::vector<Json> recent;
  const auto& blocks = c.follower.blocks();
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    for (auto event = block->task_events.rbegin(); event != block->task_events.rend(); ++event) {
      if (event->kind != chain::ChainEventKind::kTaskRequested) continue;
      const auto task = chain::find_task(state, event->subject);
      if (!task) continue;
      ++counts[chain::to_string(task->state)];
      if (recent.size() < limit) recent.push_back(task_json(*task, model_name(c, task->model)));
    }
  }
  std::vector<Member> by_state;
  for (const auto& [name, count] : counts) by_state.emplace_back(name, count);
  return object({{"counts", object(by_state)},
                 {"since_height", blocks.empty() ? 0 : blocks.front().height},
                 {"tasks", array(recent)}});
}

RpcResult get_economy(const ReadContext& c, const Params& params) {
  const std::uint64_t limit =
      std::min<std::uint64_t>(params.get("limit", 0).u64().value_or(20), kMaxAccountsListed);
  const chain::StateTree& state = c.chain().state();
  bool partial = false;
  std::vector<Account> accounts = accounts_of(state, partial);
  chain::Amount liquid = 0;
  chain::Amount staked = 0;
  for (const Account& account : accounts) {
    liquid += account.liquid;
    staked += account.staked;
  }
  const std::size_t shown = std::min<std::size_t>(limit, accounts.size());
  std::partial_sort(accounts.begin(), accounts.begin() + static_cast<std::ptrdiff_t>(shown),
                    accounts.end(), [](const Account& a, const Account& b) {
                      return a.total() != b.total() ? a.total() > b.total() : a.address < b.address;
                    });
  std::vector<Json> richest;
  for (std::size_t i = 0; i < shown; ++i) {
    richest.push_back(object({{"address", accounts[i].address},
                              {"balance", to_decimal(accounts[i].liquid)},
                              {"stake", to_decimal(accounts[i].staked)}}));
  }
  std::vector<Member> pools = {{"liquid", to_decimal(liquid)}, {"staked", to_decimal(staked)}};
  for (const std::string_view name :
       {chain::kRewardsPool, chain::kTeamPool, chain::kEcosystemPool, chain::kSalePool,
        chain::kReservePool, chain::kFundPool, chain::kTreasuryPool, chain::kBurntPool}) {
    pools.emplace_back(name, to_decimal(chain::amount_at(state, chain::pool_path(name))));
  }
  return object({{"height", c.chain().head().height()},
                 {"symbol", c.chain().params().token.symbol},
                 {"decimals", c.chain().params().token.decimals},
                 {"accounts", array(richest)},
                 {"account_count", accounts.size()},
                 {"partial", partial},
                 {"pools", object(pools)}});
}

}  // namespace orrery::testnet

#include "harness/testnet/rpc/chain_methods.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/hash_text.h"
#include "harness/testnet/rpc/network_methods.h"
#include "harness/testnet/rpc/views.h"
#include "protocol/ledger/accounts.h"
#include "protocol/ledger/staking.h"
#include "protocol/models/registry.h"

namespace orrery::testnet {
namespace {

constexpr std::size_t kMaxPendingListed = 1000;
constexpr std::size_t kMaxBlocksListed = 100;

tl::unexpected<RpcError> wrong(std::string message) {
  return refuse(kInvalidParams, std::move(message));
}

RpcResult get_chain_info(const ReadContext& c, const Params&) {
  const chain::Chain& chain = c.chain();
  const chain::ChainParams& params = chain.params();
  const chain::Amount burnt = chain::amount_at(chain.state(), chain::pool_path(chain::kBurntPool));
  return object({{"chain_id", params.id},
                 {"preset", params.preset},
                 {"height", chain.head().height()},
                 {"latest_block_hash", to_hex(chain.head().hash())},
                 {"latest_timestamp_ms", unix_ms(chain.head().header().timestamp_ns)},
                 {"finalized_height", chain.finalized_height()},
                 {"finalized_hash", to_hex(chain.tree().root().hash())},
                 {"genesis_hash", to_hex(chain.network().genesis_block->hash)},
                 {"state_root", to_hex(chain.head().header().state_root)},
                 {"epoch", chain.finality().justified().epoch},
                 {"block_interval_ms", params.consensus.block_interval.ns / 1'000'000},
                 {"slot_ms", params.consensus.slot.ns / 1'000'000},
                 {"total_supply", to_decimal(params.token.supply - burnt)},
                 {"symbol", params.token.symbol},
                 {"decimals", params.token.decimals},
                 {"base_fee", to_decimal(params.fees.base_fee)},
                 {"price_per_1000_tokens", to_decimal(params.fees.price_per_1000_tokens)},
                 {"max_output_tokens", params.work.max_output_tokens},
                 {"max_prompt_bytes", params.work.max_prompt_bytes},
                 {"peers", c.view.node().gossip().peers()},
                 {"mempool", c.view.node().mempool().size()},
                 {"node", node_json(c.view)}});
}

RpcResult get_block(const ReadContext& c, const Params& params) {
  const JsonView id = params.get("block", 0)    ? params.get("block", 0)
                      : params.get("height", 0) ? params.get("height", 0)
                                                : params.get("hash", 0);
  std::string text = "latest";
  if (const auto height = id.u64()) {
    text = std::to_string(*height);
  } else if (id.text()) {
    text = *id.text();
  } else if (id) {
    return wrong("a block is named by height, hash, \"latest\" or \"finalized\"");
  }
  const chain::BlockPtr block = find_block(c, text);
  if (!block) return refuse(kBlockNotFound, "block not found");
  const std::uint64_t height = block->header().height;
  const chain::BlockPtr there = c.chain().block_at(c.view.env(), height);
  const bool canonical = there && there->hash == block->hash;
  return block_json(
      *block, c.chain().network().modules,
      {.canonical = canonical, .final = canonical && height <= c.chain().finalized_height()});
}

RpcResult get_blocks(const ReadContext& c, const Params& params) {
  const std::uint64_t count = params.get("count", 0).u64().value_or(20);
  if (count == 0 || count > kMaxBlocksListed) return wrong("count is 1 to 100");
  std::vector<Json> blocks;
  std::uint64_t height = params.get("before", 1).u64().value_or(c.chain().head().height() + 1);
  height = std::min(height, c.chain().head().height() + 1);
  while (height > 0 && blocks.size() < count) {
    const chain::BlockPtr block = c.chain().block_at(c.view.env(), --height);
    if (!block) break;
    std::vector<Member> members = block_summary(*block);
    members.emplace_back("final", height <= c.chain().finalized_height());
    blocks.push_back(object(members));
  }
  return object({{"blocks", array(blocks)}});
}

RpcResult get_transaction(const ReadContext& c, const Params& params) {
  const auto text = params.get("hash", 0).text();
  const auto id = text ? hash_from_hex(*text) : std::nullopt;
  if (!id) return wrong("hash is 64 hexadecimal digits");
  const auto place = c.follower.find_transaction(*id);
  if (!place) return Json(nullptr);
  const chain::BlockPtr block = c.chain().block_at(c.view.env(), place->height);
  if (!block || place->index >= block->block.transactions.size()) return Json(nullptr);
  std::vector<Member> members =
      transaction_members(*block->block.transactions[place->index], c.chain().network().modules);
  members.insert(members.end(), {{"height", place->height},
                                 {"block", to_hex(block->hash)},
                                 {"index", place->index},
                                 {"final", place->height <= c.chain().finalized_height()},
                                 {"ok", place->ok ? Json(*place->ok) : Json(nullptr)}});
  return object(members);
}

RpcResult get_pending(const ReadContext& c, const Params& params) {
  const std::uint64_t limit =
      std::min<std::uint64_t>(params.get("limit", 0).u64().value_or(100), kMaxPendingListed);
  const chain::Mempool& pool = c.view.node().mempool();
  std::vector<Json> pending;
  for (const Hash256& id : pool.ids(limit)) {
    const chain::TransactionPtr tx = pool.find(id);
    if (tx) pending.push_back(object(transaction_members(*tx, c.chain().network().modules)));
  }
  return object({{"count", pool.size()}, {"transactions", array(pending)}});
}

std::optional<chain::Address> address_of(const Params& params) {
  const auto text = params.get("address", 0).text();
  return text ? chain::Address::from_hex(*text) : std::nullopt;
}

RpcResult get_balance(const ReadContext& c, const Params& params) {
  const auto who = address_of(params);
  if (!who) return wrong("address is 40 hexadecimal digits");
  return object(
      {{"address", who->hex()},
       {"balance", to_decimal(chain::amount_at(c.chain().state(), chain::balance_path(*who)))},
       {"height", c.chain().head().height()}});
}

RpcResult get_account(const ReadContext& c, const Params& params) {
  const auto who = address_of(params);
  if (!who) return wrong("address is 40 hexadecimal digits");
  const chain::StateTree& state = c.chain().state();
  const auto record = chain::stake_record(state, *who);
  return object({{"address", who->hex()},
                 {"balance", to_decimal(chain::amount_at(state, chain::balance_path(*who)))},
                 {"stake", to_decimal(chain::amount_at(state, chain::stake_path(*who)))},
                 {"nonce", c.view.node().mempool().next_nonce(*who, state)},
                 {"confirmed_nonce", chain::number_at(state, chain::nonce_path(*who))},
                 {"validator", record && record->validator},
                 {"worker", record && record->worker},
                 {"delivered", record ? Json(record->delivered) : Json(nullptr)},
                 {"missed", record ? Json(record->missed) : Json(nullptr)},
                 {"chain_id", c.chain().params().id},
                 {"base_fee", to_decimal(c.chain().params().fees.base_fee)},
                 {"height", c.chain().head().height()}});
}

RpcResult get_state_proof(const ReadContext& c, const Params& params) {
  const auto path = params.get("path", 0).text();
  if (!path || path->empty() || path->size() > chain::kMaxStatePath) {
    return wrong(fmt::format("path is a text of 1 to {} bytes", chain::kMaxStatePath));
  }
  const chain::BlockNode& head = c.chain().head();
  const auto value = head.state().get(*path);
  return object({{"path", *path},
                 {"value", value ? Json(to_hex(*value)) : Json(nullptr)},
                 {"height", head.height()},
                 {"block", to_hex(head.hash())},
                 {"state_root", to_hex(head.header().state_root)},
                 {"proof", to_hex(head.state().prove(*path).encode())}});
}

Json model_json(const ReadContext& c, const ModelView& model) {
  const auto record = chain::model_record(c.chain().state(), model.digest);
  return object({{"model_id", model.name},
                 {"name", model.name},
                 {"version", to_hex(model.digest).substr(0, 12)},
                 {"digest", to_hex(model.digest)},
                 {"owner", record ? Json(record->owner.hex()) : Json(nullptr)},
                 {"total_size", model.bytes},
                 {"shard_count", 1},
                 {"dim", model.dim},
                 {"layers", model.layers},
                 {"heads", model.heads},
                 {"context", model.context},
                 {"tokenizer", "bytes"},
                 {"pricing", object({{"per_1000_tokens",
                                      to_decimal(c.chain().params().fees.price_per_1000_tokens)},
                                     {"symbol", c.chain().params().token.symbol}})}});
}

RpcResult list_models(const ReadContext& c, const Params&) {
  std::vector<Json> models;
  for (const ModelView& model : c.view.models()) models.push_back(model_json(c, model));
  return object({{"models", array(models)}});
}

RpcResult get_model_info(const ReadContext& c, const Params& params) {
  const auto id = params.get("model_id", 0).text();
  if (!id) return wrong("model_id is a name or a digest");
  const auto model = find_model(c, *id);
  if (!model) return refuse(kModelNotFound, "model not found");
  return model_json(c, *model);
}

}  // namespace

chain::BlockPtr find_block(const ReadContext& c, std::string_view id) {
  const chain::Chain& chain = c.chain();
  if (id == "latest") return chain.head().block;
  if (id == "finalized") return chain.tree().root().block;
  if (const auto hash = hash_from_hex(id)) {
    const chain::BlockNode* node = chain.tree().find(*hash);
    if (node) return node->block;
    const chain::BlockPtr block =
        chain.block_at(c.view.env(), chain.common_height(c.view.env(), {*hash}));
    return block && block->hash == *hash ? block : nullptr;
  }
  const auto height = parse_decimal(id);
  if (!height || *height > chain.head().height()) return nullptr;
  return chain.block_at(c.view.env(), static_cast<std::uint64_t>(*height));
}

std::optional<ModelView> find_model(const ReadContext& c, std::string_view id) {
  for (const ModelView& model : c.view.models()) {
    const bool named = model.name == id || to_hex(model.digest) == id;
    if (named && chain::model_record(c.chain().state(), model.digest)) return model;
  }
  return std::nullopt;
}

const std::map<std::string, ReadMethod>& read_methods() {
  static const std::map<std::string, ReadMethod> methods = {{"getChainInfo", get_chain_info},
                                                            {"getBlock", get_block},
                                                            {"getBlocks", get_blocks},
                                                            {"getTransaction", get_transaction},
                                                            {"getPendingTransactions", get_pending},
                                                            {"getBalance", get_balance},
                                                            {"getAccount", get_account},
                                                            {"getStateProof", get_state_proof},
                                                            {"listModels", list_models},
                                                            {"getModelInfo", get_model_info},
                                                            {"health", get_health},
                                                            {"getNetwork", get_network},
                                                            {"getTasks", get_tasks},
                                                            {"getTask", get_task},
                                                            {"getEconomy", get_economy}};
  return methods;
}

}  // namespace orrery::testnet

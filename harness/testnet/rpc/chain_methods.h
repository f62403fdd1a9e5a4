// The methods that only read: chain, accounts, state, models, network. Each takes parameters by
// name or position and answers at once.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "harness/testnet/rpc/follower.h"
#include "harness/testnet/rpc/json_rpc.h"

namespace orrery::testnet {

struct ReadContext {
  NodeView& view;
  const ChainFollower& follower;

  const chain::Chain& chain() const { return view.node().chain(); }
};

using ReadMethod = RpcResult (*)(const ReadContext& context, const Params& params);
const std::map<std::string, ReadMethod>& read_methods();

// Blocks behind REST and RPC: by height, hash, "latest" or "finalized".
chain::BlockPtr find_block(const ReadContext& context, std::string_view id);
// The model with this name or hexadecimal digest that the chain knows.
std::optional<ModelView> find_model(const ReadContext& context, std::string_view id);
Json network_status(const ReadContext& context);

}  // namespace orrery::testnet

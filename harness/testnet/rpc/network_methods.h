// The methods about the network as a whole, which the page draws: health, peers and faults, tasks,
// money.
#pragma once

#include "harness/testnet/rpc/chain_methods.h"

namespace orrery::testnet {

RpcResult get_health(const ReadContext& context, const Params& params);
RpcResult get_network(const ReadContext& context, const Params& params);
RpcResult get_tasks(const ReadContext& context, const Params& params);
RpcResult get_task(const ReadContext& context, const Params& params);
RpcResult get_economy(const ReadContext& context, const Params& params);

// Name, role and address of the node that answers.
Json node_json(NodeView& view);
// Whether the node lags: its head is far older than blocks should be.
bool is_syncing(NodeView& view);

}  // namespace orrery::testnet

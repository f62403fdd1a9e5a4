// submitTransaction: reads a transaction that its sender has signed, as hexadecimal of the
// canonical encoding or as fields. The node gets exactly the bytes that were signed.
#pragma once

#include "harness/testnet/rpc/json_rpc.h"
#include "protocol/ledger/module.h"

namespace orrery::testnet {

// {"encoded": hex}, or chain_id, sender, nonce, fee, valid_until, tag or type, payload (or, for
// transfer, stake and unstake, the payload's own fields), public_key, signature; amounts in decimal
// strings, bytes in hexadecimal. -32602 if malformed, 1002 if the signature does not authorize.
tl::expected<Bytes, RpcError> read_transaction(const Params& params,
                                               const chain::ModuleTable& modules);

}  // namespace orrery::testnet

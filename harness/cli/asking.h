// What tx and chat share: whom to ask, and what exit code an answer gives.
#pragma once

#include <optional>

#include "engine/base/result.h"
#include "harness/cli/client_args.h"
#include "harness/testnet/accounts.h"
#include "harness/testnet/client.h"

namespace orrery::cli {

struct Asked {
  testnet::RpcClient node;
  testnet::Accounts accounts;  // with names if there is a home
};

// --rpc, else --node of the home, else the home's first user, else its first node. With --rpc alone
// no home is looked for. kInvalidArgument, and the errors of find_home and of reading a home.
Result<Asked> find_node(const AskArgs& args);

// Complains; the exit code that clients promise: 1 refused, 2 usage, 3 no node, 4 not in time.
int client_error(const Error& error);

}  // namespace orrery::cli

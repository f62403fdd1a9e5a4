#include "harness/cli/asking.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/testnet/home.h"

namespace orrery::cli {
namespace {

constexpr int kRefusedByChain = kFinding;

Result<std::string> url_in(const testnet::NetworkFile& network, const std::string& name) {
  if (network.nodes.empty()) return fail(ErrorCode::kInvalidArgument, "a home without nodes");
  if (name.empty()) {
    // The account of a user's node is there to pay for what people ask.
    const auto user = std::find_if(network.nodes.begin(), network.nodes.end(),
                                   [](const auto& node) { return node.role == "user"; });
    return (user == network.nodes.end() ? network.nodes.front() : *user).rpc();
  }
  const testnet::NodePlace* place = network.find(name);
  if (!place) return fail(ErrorCode::kInvalidArgument, "--node " + name + ": no node of the home");
  return place->rpc();
}

}  // namespace

Result<Asked> find_node(const AskArgs& args) {
  if (!args.rpc.empty() && !args.node.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--rpc and --node both say whom to ask");
  }
  if (!args.rpc.empty() && args.home.empty()) {
    ASSIGN_OR_RETURN(testnet::RpcClient node, testnet::RpcClient::at(args.rpc));
    return Asked{std::move(node), testnet::Accounts()};
  }
  ASSIGN_OR_RETURN(const testnet::Home home, testnet::find_home(args.home));
  ASSIGN_OR_RETURN(const testnet::NetworkFile network, home.read_network());
  ASSIGN_OR_RETURN(const scenario::Scenario scenario, home.read_scenario());
  std::string url = args.rpc;
  if (url.empty()) {
    ASSIGN_OR_RETURN(url, url_in(network, args.node));
  }
  ASSIGN_OR_RETURN(testnet::RpcClient node, testnet::RpcClient::at(url));
  return Asked{std::move(node), testnet::Accounts(scenario)};
}

int client_error(const Error& error) {
  complain(error.message);
  switch (error.code) {
    case ErrorCode::kRefused: return kRefusedByChain;
    case ErrorCode::kLimit: return kLiveness;
    case ErrorCode::kMalformed: return kEnvironment;
    default: return exit_code(error);
  }
}

}  // namespace orrery::cli

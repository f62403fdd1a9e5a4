#include "harness/testnet/accounts.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/run/keys.h"
#include "harness/run/network.h"
#include "harness/testnet/key_file.h"

namespace orrery::testnet {
namespace {

constexpr std::size_t kNamesShown = 8;  // of a message: a line

std::string some_names(const std::vector<NamedAccount>& accounts) {
  if (accounts.empty()) return "no names are known without a home";
  std::string text = "names here: ";
  for (std::size_t i = 0; i < accounts.size() && i < kNamesShown; ++i) {
    text += (i == 0 ? "" : ", ") + accounts[i].name;
  }
  return accounts.size() > kNamesShown ? text + ", ..." : text;
}

}  // namespace

Accounts::Accounts(const scenario::Scenario& scenario) {
  const auto known = [this](const std::string& name) {
    return std::any_of(named_.begin(), named_.end(),
                       [&](const NamedAccount& a) { return a.name == name; });
  };
  for (const scenario::NodeSpec& node : scenario.nodes) {
    named_.push_back({node.name, run::role_name(node.role), run::account_key(scenario, node.name)});
  }
  for (const scenario::ModelSpec& model : scenario.models) {
    if (known(model.owner)) continue;
    named_.push_back({model.owner, "model owner", run::account_key(scenario, model.owner)});
  }
}

Result<chain::KeyPair> Accounts::key(const std::string& who) const {
  for (const NamedAccount& account : named_) {
    if (account.name == who) return account.key;
  }
  auto key = read_key_file(who);
  if (!key && key.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: neither a name of the scenario nor a key file ({})", who,
                            some_names(named_)));
  }
  return key;
}

Result<chain::Address> Accounts::address(const std::string& who) const {
  if (const auto address = chain::Address::from_hex(who)) return *address;
  ASSIGN_OR_RETURN(const chain::KeyPair key, this->key(who));
  return chain::address_of(key.public_key());
}

}  // namespace orrery::testnet

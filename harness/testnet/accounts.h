// Who is who on a network: the names of a scenario, key files, and addresses. A value; the scenario
// it is made from may go away.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "protocol/crypto/keys.h"
#include "scenarios/schema/scenario.h"

namespace orrery::testnet {

struct NamedAccount {
  std::string name;
  std::string role;  // of the node; "model owner" for who owns a model and runs no node
  chain::KeyPair key;

  chain::Address address() const { return chain::address_of(key.public_key()); }
};

class Accounts {
 public:
  // Nobody has a name: key files and addresses only.
  Accounts() = default;
  // The nodes in the scenario's order, then owners of models.
  explicit Accounts(const scenario::Scenario& scenario);

  const std::vector<NamedAccount>& named() const { return named_; }

  // `who` is a name of the scenario or the path of a key file. kInvalidArgument says what it could
  // have been; errors of the file as read_key_file gives them.
  Result<chain::KeyPair> key(const std::string& who) const;
  // The same, or the 40 hexadecimal digits of an address.
  Result<chain::Address> address(const std::string& who) const;

 private:
  std::vector<NamedAccount> named_;
};

}  // namespace orrery::testnet

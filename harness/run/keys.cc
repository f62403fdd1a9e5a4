#include "harness/run/keys.h"

#include "engine/base/codec.h"

namespace orrery::run {

chain::KeyPair account_key(const scenario::Scenario& scenario, const std::string& name) {
  Writer out;
  out.text("orrery/scenario-key/1").text(scenario.chain.id).u64(scenario.seed).text(name);
  return chain::KeyPair::from_seed(sha256(out.view()).bytes);
}

}  // namespace orrery::run

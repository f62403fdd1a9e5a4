#include "protocol/ledger/module.h"

#include "engine/base/ensure.h"

namespace orrery::chain {

void ModuleTable::add(Module module) {
  for (const Module& other : modules_) {
    ENSURE(other.name != module.name, "two modules named " + module.name);
    for (const std::string& mine : module.state_paths) {
      for (const std::string& theirs : other.state_paths) {
        ENSURE(!mine.starts_with(theirs) && !theirs.starts_with(mine),
               "modules " + module.name + " and " + other.name + " share " + mine);
      }
    }
  }
  for (const PayloadSpec& spec : module.payloads) {
    ENSURE(spec.check && spec.execute, "payload " + spec.name + " has no handler");
    ENSURE(payloads_.emplace(spec.tag, spec).second, "payload tag of " + spec.name + " is taken");
  }
  modules_.push_back(std::move(module));
}

const PayloadSpec* ModuleTable::payload(PayloadTag tag) const {
  const auto it = payloads_.find(tag);
  return it == payloads_.end() ? nullptr : &it->second;
}

std::string ModuleTable::pool_of(std::string_view path) const {
  for (const Module& module : modules_) {
    for (const MoneyPath& money : module.money) {
      if (path.size() <= money.prefix.size() + money.suffix.size()) continue;
      if (!path.starts_with(money.prefix) || !path.ends_with(money.suffix)) continue;
      if (!money.pool.empty()) return money.pool;
      path.remove_prefix(money.prefix.size());
      path.remove_suffix(money.suffix.size());
      return std::string(path);
    }
  }
  return {};
}

}  // namespace orrery::chain

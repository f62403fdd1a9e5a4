// A network namespace a node, joined by a bridge, so that each has an address and an interface of
// its own; the scenario's latencies, losses and rates are laid on the interfaces with tc. Needs
// root, ip and tc, and netem in the kernel unless shaping is off.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "harness/testnet/home.h"
#include "scenarios/schema/scenario.h"

namespace orrery::testnet {

// kUnsupported with what is missing.
Status check_netns(bool shaping);

// Makes the namespaces and fills in `ip` and `netns` of every node. What an earlier supervisor of
// the network left behind is removed first. kIo with the path of the log that says why.
Status make_netns(const Home& home, const scenario::Scenario& scenario, bool shaping,
                  NetworkFile& network);
// Removes what make_netns made; quiet about what is gone already.
void remove_netns(const Home& home, const NetworkFile& network);

// Lines for `tc -batch` that shape the interface of one node. Pure.
std::string shaping_lines(const scenario::Scenario& scenario, const NetworkFile& network,
                          std::size_t node);

}  // namespace orrery::testnet

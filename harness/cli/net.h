// What the verbs of live networks share: asking the supervisor, and showing what it says.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/result.h"
#include "harness/cli/live_args.h"
#include "harness/testnet/home.h"

namespace orrery::cli {

// "90s", "5m". kInvalidArgument.
Result<Duration> parse_duration(const std::string& text);
// What --timeout says: a duration above 0. kInvalidArgument, in words for the user.
Result<Duration> parse_timeout(const std::string& text);

Result<nlohmann::json> ask_supervisor(const testnet::Home& home, const nlohmann::json& order,
                                      Duration timeout = Duration::seconds(30));
// Starts the supervisor of a home in the background; the exit code, complained about if not 0.
int launch_supervisor(const testnet::Home& home, SuperviseArgs how);

// Complains; the exit code.
int give_up(const Error& error);
// A refusal of the supervisor: its words, and the last lines of the node's log that is to blame.
int explain_refusal(const testnet::Home& home, const nlohmann::json& answer);

// A line a node, for people.
void print_nodes(const nlohmann::json& nodes);

}  // namespace orrery::cli

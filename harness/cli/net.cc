#include "harness/cli/net.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/cli/exit_code.h"
#include "harness/cli/terminal.h"
#include "harness/testnet/control.h"
#include "scenarios/schema/quantity.h"

namespace orrery::cli {

using nlohmann::json;

Result<Duration> parse_duration(const std::string& text) {
  ASSIGN_OR_RETURN(const i128 ns, scenario::parse_quantity(text, scenario::Dimension::kDuration));
  return Duration{static_cast<std::int64_t>(ns)};
}

Result<Duration> parse_timeout(const std::string& text) {
  const auto timeout = parse_duration(text);
  if (timeout && timeout->ns > 0) return timeout;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--timeout {}: expected a duration, such as 30s", text));
}

Result<json> ask_supervisor(const testnet::Home& home, const json& order, Duration timeout) {
  ASSIGN_OR_RETURN(const std::string line, testnet::ask(home, order.dump(), timeout));
  json answer = json::parse(line, nullptr, false);
  if (!answer.is_object()) return fail(ErrorCode::kInternal, "an answer that does not parse");
  return answer;
}

int give_up(const Error& error) {
  complain(error.message);
  return exit_code(error);
}

int explain_refusal(const testnet::Home& home, const json& answer) {
  complain(answer.value("error", "refused"));
  if (answer.contains("node")) {
    constexpr std::size_t kLines = 5;
    std::ifstream log(home.log(answer["node"]));
    std::deque<std::string> last;
    for (std::string line; std::getline(log, line);) {
      last.push_back(line);
      if (last.size() > kLines) last.pop_front();
    }
    for (const std::string& line : last) say("  | " + line);
  }
  if (answer.contains("nodes")) print_nodes(answer["nodes"]);
  return answer.value("code", static_cast<int>(kInternal));
}

void print_nodes(const json& nodes) {
  std::size_t width = 4;
  for (const json& n : nodes) width = std::max(width, n.at("name").get<std::string>().size());
  say(fmt::format("{:<{}}  {:<9}  {:<10}  {:>7}  {:>7}  {:>5}  {:>7}  {}", "node", width, "role",
                  "state", "height", "final", "peers", "pid", "rpc"));
  for (const json& n : nodes) {
    const std::string state = n.at("state");
    const Colour colour = state == "up"                           ? Colour::kGreen
                          : state == "failed" || state == "down" ? Colour::kRed
                                                                  : Colour::kYellow;
    const std::string last = n.value("last_exit", "");
    say(fmt::format(
        "{:<{}}  {:<9}  {}  {:>7}  {:>7}  {:>5}  {:>7}  {}{}", n.at("name").get<std::string>(),
        width, n.at("role").get<std::string>(), paint(colour, fmt::format("{:<10}", state)),
        n.at("height").get<std::uint64_t>(), n.at("finalized_height").get<std::uint64_t>(),
        n.at("peers").get<std::uint64_t>(),
        n.at("pid").is_null() ? "-" : std::to_string(n.at("pid").get<int>()),
        n.at("rpc").get<std::string>(), last.empty() || state == "up" ? "" : "  (" + last + ")"));
  }
}

}  // namespace orrery::cli

#include "harness/testnet/launch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "harness/testnet/child.h"
#include "harness/testnet/descriptor.h"
#include "harness/testnet/home.h"

namespace orrery::testnet {

using nlohmann::json;

std::vector<std::string> command_line(const std::string& verb, const SupervisorOptions& options) {
  std::vector<std::string> words = {options.program, verb,           "--home",
                                    options.home,    "--control-fd", std::to_string(kControlFd)};
  if (!options.only.empty()) {
    words.push_back("--only");
    words.push_back(fmt::format("{}", fmt::join(options.only, ",")));
  }
  if (!options.timeline) words.push_back("--no-timeline");
  if (!options.load) words.push_back("--no-load");
  if (options.resume) words.push_back("--resume");
  return words;
}

Status launch_supervisor(const SupervisorOptions& options) {
  const std::string log = Home(options.home).log("supervisor");
  ASSIGN_OR_RETURN(const Child child,
                   spawn({.command = command_line("supervise", options), .log = log}));
  const Descriptor control(child.control);
  constexpr std::size_t kMaxWord = 65536;
  std::string line;
  char c = 0;
  while (line.size() < kMaxWord && ::read(control.get(), &c, 1) == 1 && c != '\n') line += c;
  const json word = json::parse(line, nullptr, false);
  if (!word.is_object()) {
    return fail(ErrorCode::kInternal, "the supervisor ended; see " + log);
  }
  if (word.value("ok", false)) return {};
  constexpr int kEnvironment = 3;  // of the exit codes
  return fail(word.value("code", kEnvironment) == kEnvironment ? ErrorCode::kIo
                                                               : ErrorCode::kInvalidArgument,
              word.value("error", "the supervisor does not start"));
}

}  // namespace orrery::testnet

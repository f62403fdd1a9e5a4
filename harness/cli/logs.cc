// logs: what nodes wrote, and what they go on to write. A line begins with its UTC instant, so
// instants compare as texts.
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "harness/cli/exit_code.h"
#include "harness/cli/live_args.h"
#include "harness/cli/net.h"
#include "harness/cli/terminal.h"
#include "harness/testnet/alarms.h"

namespace orrery::cli {
namespace {

using testnet::Home;

struct LogFile {
  std::string name;
  std::string path;
  std::streamoff read = 0;  // bytes shown already
};

class Printer {
 public:
  Printer(const LogsArgs& args, std::size_t width, std::string since)
      : args_(args), width_(width), since_(std::move(since)) {
    if (!args.grep.empty()) pattern_.emplace(args.grep, std::regex::optimize);
  }

  bool wants(const std::string& line) const {
    if (!since_.empty() && line.compare(0, since_.size(), since_) < 0) return false;
    return !pattern_ || std::regex_search(line, *pattern_);
  }
  void print(const LogFile& file, const std::string& line) const {
    if (args_.net.json) {
      fmt::print("{}\n", nlohmann::json{{"node", file.name}, {"line", line}}.dump(
                             -1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      fmt::print("{:<{}}  {}\n", file.name, width_, line);
    }
  }
  // Whole lines after what was shown; the last `limit` of them.
  void show(LogFile& file, std::size_t limit) const {
    std::ifstream in(file.path);
    in.seekg(file.read);
    std::deque<std::string> lines;
    for (std::string line; std::getline(in, line) && !in.eof();) {
      file.read = in.tellg();
      if (!wants(line)) continue;
      lines.push_back(line);
      if (lines.size() > limit) lines.pop_front();
    }
    for (const std::string& line : lines) print(file, line);
  }

 private:
  const LogsArgs& args_;
  std::size_t width_;
  std::string since_;
  std::optional<std::regex> pattern_;
};

void follow(const Home& home, const Printer& printer, std::vector<LogFile>& files) {
  const int watch = inotify_init1(IN_CLOEXEC);
  inotify_add_watch(watch, (home.dir() + "/logs").c_str(), IN_MODIFY | IN_CREATE);
  for (;;) {
    for (LogFile& file : files) printer.show(file, SIZE_MAX);
    std::fflush(stdout);
    char events[4096];
    if (::read(watch, events, sizeof events) <= 0) break;
  }
  ::close(watch);
}

}  // namespace

int logs_command(const LogsArgs& args) {
  const auto home = testnet::find_home(args.net.home);
  if (!home) return give_up(home.error());
  const auto network = home->read_network();
  if (!network) return give_up(network.error());
  std::vector<std::string> names = args.net.nodes;
  if (names.empty()) {
    for (const testnet::NodePlace& place : network->nodes) names.push_back(place.name);
  }
  std::vector<LogFile> files;
  std::size_t width = 0;
  for (const std::string& name : names) {
    if (!network->find(name) && name != "supervisor") {
      return give_up({ErrorCode::kInvalidArgument, "no node " + name + " in " + home->dir()});
    }
    files.push_back({.name = name, .path = home->log(name)});
    width = std::max(width, name.size());
  }
  std::string since;
  if (!args.since.empty()) {
    const auto age = parse_duration(args.since);
    if (!age) return give_up({ErrorCode::kInvalidArgument, "--since: " + age.error().message});
    since = testnet::utc_stamp(testnet::utc_now_ns() - age->ns);
  }
  try {
    const Printer printer(args, width, since);
    for (LogFile& file : files) printer.show(file, args.lines);
    if (args.follow) follow(*home, printer, files);
  } catch (const std::regex_error& error) {
    return give_up({ErrorCode::kInvalidArgument, fmt::format("--grep {}: {}", args.grep,
                                                             error.what())});
  }
  return kHeld;
}

}  // namespace orrery::cli

#include "harness/testnet/home.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/run/replay_file.h"
#include "harness/run/stamped_folder.h"
#include "reports/record/write.h"

namespace orrery::testnet {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kVersion = 1;
constexpr const char* kRoot = "out/testnets";
constexpr const char* kLatest = "out/testnets/latest";

}  // namespace

std::string NodePlace::p2p() const { return fmt::format("/ip4/{}/tcp/{}", ip, p2p_port); }
std::string NodePlace::rpc() const { return fmt::format("http://{}:{}", ip, rpc_port); }

const NodePlace* NetworkFile::find(const std::string& name) const {
  for (const NodePlace& node : nodes) {
    if (node.name == name) return &node;
  }
  return nullptr;
}

Status Home::create(const std::string& scenario_json, const NetworkFile& network) const {
  for (const char* folder : {"config/nodes", "data", "flight", "logs"}) {
    std::error_code error;
    fs::create_directories(dir_ + "/" + folder, error);
    if (error) {
      return fail(ErrorCode::kIo, fmt::format("{}/{}: {}", dir_, folder, error.message()));
    }
  }
  TRY(report::write_file_atomically(config("scenario.json"), scenario_json));
  return write_network(network);
}

Status Home::write_network(const NetworkFile& network) const {
  json nodes = json::array();
  for (const NodePlace& n : network.nodes) {
    nodes.push_back({{"name", n.name},
                     {"role", n.role},
                     {"ip", n.ip},
                     {"p2p_port", n.p2p_port},
                     {"rpc_port", n.rpc_port},
                     {"netns", n.netns}});
  }
  const json value{{"schema", "orrery.network/1"},
                   {"version", kVersion},
                   {"genesis_time_ns", network.genesis_time_ns},
                   {"provider", network.provider},
                   {"flight", network.flight},
                   {"restart", network.restart},
                   {"shaping", network.shaping},
                   {"nodes", nodes}};
  return report::write_file_atomically(config("network.json"), value.dump(1) + "\n");
}

Result<NetworkFile> Home::read_network() const {
  const std::string path = config("network.json");
  std::ifstream file(path);
  if (!file) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: no live network lives here (it would have {})", dir_, path));
  }
  const json value = json::parse(file, nullptr, false);
  if (!value.is_object() || value.value("schema", "") != "orrery.network/1") {
    return fail(ErrorCode::kMalformed, path + ": not a network file");
  }
  if (value.value("version", 0) != kVersion) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: version {} of the home's layout, this program knows {}; use the "
                            "program that made it, or a new home",
                            path, value.value("version", 0), kVersion));
  }
  try {
    NetworkFile network;
    network.genesis_time_ns = value.at("genesis_time_ns");
    network.provider = value.at("provider");
    network.flight = value.value("flight", true);
    network.restart = value.value("restart", true);
    network.shaping = value.value("shaping", true);
    for (const json& n : value.at("nodes")) {
      network.nodes.push_back({.name = n.at("name"),
                               .role = n.at("role"),
                               .ip = n.at("ip"),
                               .p2p_port = n.at("p2p_port"),
                               .rpc_port = n.at("rpc_port"),
                               .netns = n.value("netns", "")});
    }
    return network;
  } catch (const json::exception& error) {
    return fail(ErrorCode::kMalformed, path + ": " + error.what());
  }
}

Result<scenario::Scenario> Home::read_scenario() const {
  const std::string path = config("scenario.json");
  ASSIGN_OR_RETURN(const run::ReplayFile file, run::read_replay_file(path));
  return run::load_replay(file, path);
}

Result<Home> find_home(const std::string& given) {
  if (!given.empty()) return Home(given);
  if (const char* home = std::getenv("ORRERY_HOME"); home && *home) return Home(home);
  std::error_code error;
  const fs::path latest = fs::canonical(kLatest, error);
  if (error) {
    return fail(ErrorCode::kNotFound,
                "no live network: start one with orrery up FILE, or name its home with --home DIR");
  }
  return Home(latest.string());
}

std::string default_home(const std::string& scenario_name) {
  return run::stamped_folder(fmt::format("{}/{}", kRoot, scenario_name));
}

void point_latest_to(const std::string& home) {
  std::error_code ignored;
  fs::create_directories(kRoot, ignored);
  const std::string next = fmt::format("{}.{}", kLatest, ::getpid());
  fs::remove(next, ignored);
  fs::create_symlink(fs::absolute(home), next, ignored);
  fs::rename(next, kLatest, ignored);
}

}  // namespace orrery::testnet

// The home of a live network on disk:
//   config/scenario.json   the scenario with its overrides (harness/run/replay_file.h)
//   config/network.json    who runs where, and when slot 0 begins
//   data/NODE/             RocksDB and the count of boots
//   flight/NODE/           flight log
//   logs/NODE.log          for people; logs/supervisor.log
//   process.json           pids and addresses, while the supervisor runs
//   control.sock           where the supervisor listens; lock: held by it
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/schema/scenario.h"

namespace orrery::testnet {

// Where a node of the network is reached.
struct NodePlace {
  std::string name;
  std::string role;
  std::string ip = "127.0.0.1";
  std::uint16_t p2p_port = 0;
  std::uint16_t rpc_port = 0;
  std::string netns;  // of provider netns

  std::string p2p() const;  // "/ip4/127.0.0.1/tcp/4000"
  std::string rpc() const;  // "http://127.0.0.1:4001"
};

struct NetworkFile {
  std::int64_t genesis_time_ns = 0;  // UTC
  std::string provider = "process";  // or "netns"
  bool shaping = true;               // of provider netns
  bool flight = true;                // nodes keep a flight log
  bool restart = true;               // nodes that end unasked
  std::vector<NodePlace> nodes;      // in the scenario's order

  const NodePlace* find(const std::string& name) const;
};

class Home {
 public:
  explicit Home(std::string dir) : dir_(std::move(dir)) {}

  const std::string& dir() const { return dir_; }
  std::string config(const std::string& file) const { return dir_ + "/config/" + file; }
  std::string data(const std::string& node) const { return dir_ + "/data/" + node; }
  std::string flight(const std::string& node) const { return dir_ + "/flight/" + node; }
  std::string log(const std::string& name) const { return dir_ + "/logs/" + name + ".log"; }
  std::string process_file() const { return dir_ + "/process.json"; }
  std::string socket() const { return dir_ + "/control.sock"; }
  std::string lock() const { return dir_ + "/lock"; }

  // Makes the folders and writes scenario and network. kIo with the path and why.
  Status create(const std::string& scenario_json, const NetworkFile& network) const;
  Status write_network(const NetworkFile& network) const;
  // kNotFound: not a home. kUnsupported: of another version.
  Result<NetworkFile> read_network() const;
  Result<scenario::Scenario> read_scenario() const;

 private:
  std::string dir_;
};

// The home that --home names; else $ORRERY_HOME; else the newest, out/testnets/latest. kNotFound
// with what to type.
Result<Home> find_home(const std::string& given);
// out/testnets/NAME/STAMP; the newest of these is out/testnets/latest.
std::string default_home(const std::string& scenario_name);
void point_latest_to(const std::string& home);

}  // namespace orrery::testnet

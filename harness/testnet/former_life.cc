#include "harness/testnet/former_life.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "harness/testnet/descriptor.h"

namespace orrery::testnet {
namespace {

using nlohmann::json;

constexpr int kStopMillis = 10'000;  // as Fleet::kStopTime: SIGTERM, then SIGKILL

// Whether the process is a node of this home: its command line names the node's configuration.
bool is_node(const Home& home, const FormerLife::Process& process) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", process.pid), std::ios::binary);
  const std::string words((std::istreambuf_iterator<char>(file)), {});
  return words.find(home.config("nodes/" + process.node + ".json")) != std::string::npos;
}

bool gone_within(int pidfd, int millis) {
  pollfd wait{pidfd, POLLIN, 0};
  int ready = 0;
  while ((ready = ::poll(&wait, 1, millis)) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

}  // namespace

std::string encode(const Watchers& watchers, const NetworkFile& network, const FormerLife& life) {
  json nodes = json::object();
  for (const FormerLife::Process& process : life.processes) {
    const NodePlace* place = network.find(process.node);
    nodes[process.node] = {{"pid", process.pid},
                           {"wanted", process.wanted},
                           {"p2p", place->p2p()},
                           {"rpc", place->rpc()}};
  }
  const json value{{"supervisor", watchers.supervisor},
                   {"guard", watchers.guard},
                   {"load_rate", life.load_rate},
                   {"nodes", nodes}};
  return value.dump(1) + "\n";
}

FormerLife read_former_life(const Home& home) {
  FormerLife life;
  std::ifstream file(home.process_file());
  const json value = json::parse(file, nullptr, false);
  if (!value.is_object() || !value.contains("nodes")) return life;
  life.load_rate = value.value("load_rate", 1.0);
  for (const auto& [name, node] : value["nodes"].items()) {
    life.processes.push_back({name, node.value("pid", 0), node.value("wanted", true)});
  }
  return life;
}

void end_processes(const Home& home, const FormerLife& life) {
  std::vector<Descriptor> running;
  for (const FormerLife::Process& process : life.processes) {
    if (process.pid <= 0) continue;
    // A descriptor first: from here on the number cannot become somebody else's.
    Descriptor fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    if (!fd.is_open() || !is_node(home, process)) continue;
    for (const int signal : {SIGTERM, SIGCONT}) {
      ::syscall(SYS_pidfd_send_signal, fd.get(), signal, nullptr, 0);
    }
    running.push_back(std::move(fd));
  }
  for (const Descriptor& process : running) {
    if (gone_within(process.get(), kStopMillis)) continue;
    ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
    gone_within(process.get(), -1);
  }
}

}  // namespace orrery::testnet

#include "harness/testnet/netns.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "engine/base/distribution.h"
#include "harness/testnet/child.h"

namespace orrery::testnet {
namespace {

constexpr std::size_t kHostsPerBlock = 250;   // of the third octet
constexpr std::size_t kMaxNodes = 200 * kHostsPerBlock;
constexpr std::uint64_t kNoLimit = 10'000'000'000 / 8;  // bytes/s of a class that must have a rate

std::string bridge_name(const std::string& id) { return "orr" + id; }
std::string namespace_name(const std::string& id, std::size_t node) {
  return fmt::format("orr{}-{}", id, node);
}
std::string outer_name(const std::string& id, std::size_t node) {
  return fmt::format("o{}n{}", id, node);
}
std::string address(std::uint32_t net, std::size_t node) {
  return fmt::format("10.{}.{}.{}", net, node / kHostsPerBlock, node % kHostsPerBlock + 1);
}

// The part of a namespace's name between "orr" and "-".
std::string id_of(const NetworkFile& network) {
  const std::string& name = network.nodes.front().netns;
  const std::size_t dash = name.find('-');
  return dash == std::string::npos ? "" : name.substr(3, dash - 3);
}

Status batch(const Home& home, const std::string& program, const std::string& name,
             const std::string& lines, const std::vector<std::string>& before = {}) {
  const std::string path = home.config(name + ".batch");
  std::ofstream(path) << lines;
  std::vector<std::string> command = before;
  command.insert(command.end(), {program, "-batch", path});
  return run_and_wait(command, home.log("netns"));
}

scenario::LinkSpec link_between(const scenario::Scenario& scenario, const std::string& from,
                                const std::string& to) {
  const scenario::NetworkSpec::Override* reverse = nullptr;
  for (const auto& o : scenario.network.overrides) {
    if (o.from_region == from && o.to_region == to) return o.link;
    if (o.from_region == to && o.to_region == from) reverse = &o;
  }
  return reverse ? reverse->link : scenario.network.link;
}

std::string netem(const scenario::LinkSpec& link) {
  const auto latency = Distribution::make(link.latency);
  ENSURE(latency.has_value(), "the loader lets only valid distributions through");
  // The median, without jitter: netem's jitter reorders packets, which no link of ours does.
  std::string words =
      fmt::format("netem limit 100000 delay {}us", latency->at(std::uint64_t{1} << 63) / 1000);
  if (link.loss_ppm > 0) words += fmt::format(" loss {}%", link.loss_ppm / 10'000.0);
  if (link.duplicate_ppm > 0) words += fmt::format(" duplicate {}%", link.duplicate_ppm / 10'000.0);
  return words;
}

}  // namespace

Status check_netns(bool shaping) {
  if (::geteuid() != 0) {
    return fail(ErrorCode::kUnsupported,
                "--provider netns needs root, to make network namespaces; --provider process does "
                "without");
  }
  const std::string log = "/dev/null";
  if (!run_and_wait({"ip", "-V"}, log) || !run_and_wait({"tc", "-V"}, log)) {
    return fail(ErrorCode::kUnsupported,
                "--provider netns needs the programs ip and tc (package iproute2)");
  }
  const std::string probe = fmt::format("orrp{}", ::getpid());
  if (!run_and_wait({"ip", "netns", "add", probe}, log)) {
    return fail(ErrorCode::kUnsupported, "this machine does not let us make network namespaces");
  }
  const bool shapes =
      !shaping || run_and_wait({"ip", "netns", "exec", probe, "tc", "qdisc", "add", "dev", "lo",
                                "root", "netem", "delay", "1ms"},
                               log);
  (void)run_and_wait({"ip", "netns", "del", probe}, log);
  if (!shapes) {
    return fail(ErrorCode::kUnsupported,
                "this kernel cannot shape links: it has no netem (module sch_netem); --no-shaping "
                "goes without the scenario's latencies");
  }
  return {};
}

std::string shaping_lines(const scenario::Scenario& scenario, const NetworkFile& network,
                          std::size_t node) {
  std::map<std::string, std::size_t> regions;  // of all nodes; their classes are numbered from 2
  for (const scenario::NodeSpec& spec : scenario.nodes) {
    regions.try_emplace(spec.region, regions.size() + 2);
  }
  const scenario::NodeSpec& self = scenario.nodes[node];
  const std::uint64_t uplink =
      self.uplink_bytes_per_second > 0 ? self.uplink_bytes_per_second : kNoLimit;
  std::string lines = "qdisc add dev eth0 root handle 1: htb default 1\n";
  lines += fmt::format("class add dev eth0 parent 1: classid 1:1 htb rate {}bps\n", uplink);
  for (const auto& [region, id] : regions) {
    const scenario::LinkSpec link = link_between(scenario, self.region, region);
    const std::uint64_t rate =
        std::min(uplink, link.bytes_per_second > 0 ? link.bytes_per_second : kNoLimit);
    lines += fmt::format("class add dev eth0 parent 1:1 classid 1:{} htb rate {}bps\n", id, rate);
    lines += fmt::format("qdisc add dev eth0 parent 1:{} {}\n", id, netem(link));
  }
  for (std::size_t other = 0; other < network.nodes.size(); ++other) {
    if (other == node) continue;
    lines += fmt::format(
        "filter add dev eth0 parent 1: protocol ip prio 1 u32 match ip dst {}/32 flowid 1:{}\n",
        network.nodes[other].ip, regions.at(scenario.nodes[other].region));
  }
  return lines;
}

Status make_netns(const Home& home, const scenario::Scenario& scenario, bool shaping,
                  NetworkFile& network) {
  TRY(check_netns(shaping));
  if (network.nodes.size() > kMaxNodes) {
    return fail(ErrorCode::kUnsupported, fmt::format("at most {} namespaces", kMaxNodes));
  }
  remove_netns(home, network);
  const std::string id = std::to_string(::getpid());
  const auto net = static_cast<std::uint32_t>(100 + ::getpid() % 100);
  std::string outside = fmt::format("link add {0} type bridge\naddr add 10.{1}.255.254/16 dev {0}\n"
                                    "link set {0} up\n",
                                    bridge_name(id), net);
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    NodePlace& node = network.nodes[i];
    node.netns = namespace_name(id, i);
    node.ip = address(net, i);
    outside += fmt::format(
        "netns add {0}\nlink add {1} type veth peer name eth0 netns {0}\nlink set {1} master {2}\n"
        "link set {1} up\n",
        node.netns, outer_name(id, i), bridge_name(id));
  }
  TRY(batch(home, "ip", "outside", outside));
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const NodePlace& node = network.nodes[i];
    const std::vector<std::string> inside = {"ip", "netns", "exec", node.netns};
    TRY(batch(home, "ip", "inside",
              fmt::format("link set lo up\naddr add {}/16 dev eth0\nlink set eth0 up\n", node.ip),
              inside));
    if (shaping) TRY(batch(home, "tc", "shape", shaping_lines(scenario, network, i), inside));
  }
  return {};
}

void remove_netns(const Home& home, const NetworkFile& network) {
  if (network.nodes.empty() || network.nodes.front().netns.empty()) return;
  // One by one, so that what is gone does not keep the rest.
  for (const NodePlace& node : network.nodes) {
    (void)run_and_wait({"ip", "netns", "del", node.netns}, home.log("netns"));
  }
  (void)run_and_wait({"ip", "link", "del", bridge_name(id_of(network))}, home.log("netns"));
}

}  // namespace orrery::testnet

// export: a live network's nodes as units of systemd, or as a container file.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/cli/exit_code.h"
#include "harness/cli/live_args.h"
#include "harness/cli/net.h"

namespace orrery::cli {
namespace {

std::string systemd(const testnet::Home& home, const testnet::NetworkFile& network,
                    const std::string& program) {
  std::string text;
  for (const testnet::NodePlace& node : network.nodes) {
    text += fmt::format(
        "# /etc/systemd/system/orrery-{0}.service\n"
        "[Unit]\n"
        "Description=Orrery node {0} ({1})\n"
        "After=network-online.target\n"
        "\n"
        "[Service]\n"
        "ExecStart={2} node --config {3}\n"
        "Restart=always\n"
        "RestartSec=1\n"
        "KillSignal=SIGTERM\n"
        "LimitNOFILE=65536\n"
        "NoNewPrivileges=yes\n"
        "\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n\n",
        node.name, node.role, program, home.config("nodes/" + node.name + ".json"));
  }
  return text;
}

std::string container(const testnet::NetworkFile& network) {
  std::string text =
      "# Build in a folder that holds this file, the orrery binary and the home as ./home:\n"
      "#   docker build -t orrery-node . && docker run --network host -e NODE=";
  text += network.nodes.front().name;
  text +=
      " orrery-node\n"
      "FROM debian:12-slim\n"
      "RUN apt-get update && apt-get install -y --no-install-recommends \\\n"
      "      libfmt9 libsodium23 libssl3 libyaml-cpp0.7 librocksdb7.8 libzstd1 \\\n"
      "    && rm -rf /var/lib/apt/lists/*\n"
      "COPY orrery /usr/local/bin/orrery\n"
      "COPY home /home/orrery\n"
      "STOPSIGNAL SIGTERM\n"
      "CMD exec orrery node --config /home/orrery/config/nodes/$NODE.json\n";
  return text;
}

}  // namespace

int export_command(const ExportArgs& args) {
  const auto home = testnet::find_home(args.net.home);
  if (!home) return give_up(home.error());
  const auto network = home->read_network();
  if (!network) return give_up(network.error());
  const std::string text =
      args.what == "systemd"
          ? systemd(*home, *network, std::filesystem::read_symlink("/proc/self/exe").string())
          : container(*network);
  if (args.net.json) {
    fmt::print("{}\n", nlohmann::json{{args.what, text}}.dump());
  } else {
    fmt::print("{}", text);
  }
  return kHeld;
}

}  // namespace orrery::cli

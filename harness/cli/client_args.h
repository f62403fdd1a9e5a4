// Verbs of those who use a live network, rather than run it: tx and chat.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace orrery::cli {

// Whom to ask: a node of a home, or any node by its address.
struct AskArgs {
  std::string home;
  std::string rpc;   // URL, in place of a home
  std::string node;  // name in the home; empty: its first user
  bool json = false;
};

struct TxArgs {
  std::string what;  // keys keygen transfer stake unstake task send
  AskArgs ask;
  std::string file;  // keygen
  std::string from;
  std::string to;
  std::vector<std::string> amount;  // "12.5" "AIGEN", or both in one
  bool validator = false;
  bool worker = false;
  std::string model;
  std::string prompt;
  std::uint32_t tokens = 16;
  std::string encoded;  // send
  std::string fee;      // empty: the base fee
  std::optional<std::uint64_t> nonce;
  bool print = false;
  std::string wait = "final";  // none included final
  std::string timeout = "2m";
};
int tx_command(const TxArgs& args);

struct ChatArgs {
  AskArgs ask;
  std::optional<std::string> text;  // nothing: lines of standard input
  std::string model;                // empty: the first that the node lists
  std::optional<std::uint32_t> tokens;
  std::optional<double> temperature;
  std::string wait = "revealed";  // revealed settled final
  std::string timeout = "5m";
};
int chat_command(const ChatArgs& args);

struct ClientArgs {
  TxArgs tx;
  ChatArgs chat;
};
void add_client_verbs(CLI::App& app, ClientArgs& args);
// Nothing: not a verb of clients.
std::optional<int> dispatch_client(const std::string& verb, const ClientArgs& args);

}  // namespace orrery::cli

// Words of the verbs of clients: tx and chat.
#include <CLI/CLI.hpp>

#include "harness/cli/client_args.h"
#include "harness/cli/exit_code.h"

namespace orrery::cli {
namespace {

constexpr const char* kExits =
    "Exit codes: 0 done · 1 refused by the chain · 2 bad usage · 3 no node answers · 4 not in time";
constexpr const char* kWho = "A name of the scenario (orrery tx keys), or a key file";

void add_ask(CLI::App& verb, AskArgs& ask) {
  verb.add_option("--home", ask.home, "Home of the network (default: the newest)");
  verb.add_option("--rpc", ask.rpc, "Ask the node at this URL, such as http://127.0.0.1:4001");
  verb.add_option("--node", ask.node, "Ask this node of the home (default: its first user)");
  verb.add_flag("--json", ask.json, "JSON on standard output");
}

// A sub-verb of tx; parsing it says which.
CLI::App* add_sub(CLI::App& tx, const char* name, const char* about, TxArgs& args) {
  CLI::App* sub = tx.add_subcommand(name, about);
  sub->callback([&args, name] { args.what = name; });
  return sub;
}

void add_wait(CLI::App& sub, TxArgs& args) {
  sub.add_option("--wait", args.wait, "none, included or final (the default)")
      ->check(CLI::IsMember({"none", "included", "final"}));
  sub.add_option("--timeout", args.timeout, "How long to wait at most, such as 30s (default 2m)");
}

// What every sub-verb that signs shares.
CLI::App* add_signing(CLI::App& tx, const char* name, const char* about, TxArgs& args) {
  CLI::App* sub = add_sub(tx, name, about, args);
  sub->add_option("--from", args.from, kWho)->required();
  sub->add_option("--fee", args.fee, "Such as '0.01 AIGEN' (default: the base fee)");
  sub->add_option("--nonce", args.nonce, "Instead of the account's next");
  sub->add_flag("--print", args.print, "Print the signed bytes for tx send, send nothing");
  add_ask(*sub, args.ask);
  add_wait(*sub, args);
  return sub;
}

void add_amount(CLI::App& sub, TxArgs& args) {
  sub.add_option("amount", args.amount, "With its unit: 12.5 AIGEN")->required()->expected(1, 2);
}

void add_keys(CLI::App& tx, TxArgs& args) {
  CLI::App* keys = add_sub(tx, "keys", "List the accounts of the scenario", args);
  add_ask(*keys, args.ask);
  keys->footer("Example: orrery tx keys --json | jq '.[] | select(.role == \"user\") | .address'");

  CLI::App* keygen = add_sub(tx, "keygen", "Make a new key in a file of its own", args);
  keygen->add_option("file", args.file, "File that does not exist yet")->required();
  keygen->add_flag("--json", args.ask.json, "JSON on standard output");
  keygen->footer(
      "Example: orrery tx keygen alice.key\n"
      "         orrery tx transfer --from users-0 --to alice.key 5 AIGEN");
}

void add_money(CLI::App& tx, TxArgs& args) {
  CLI::App* transfer = add_signing(tx, "transfer", "Send money", args);
  transfer
      ->add_option("--to", args.to, "A name, a key file, or an address of 40 hexadecimal digits")
      ->required();
  add_amount(*transfer, args);
  transfer->footer("Example: orrery tx transfer --from users-0 --to workers-0 12.5 AIGEN");

  CLI::App* stake =
      add_signing(tx, "stake", "Bond money, as validator, as worker, or as both", args);
  add_amount(*stake, args);
  stake->add_flag("--validator", args.validator, "The bond is for proposing and voting");
  stake->add_flag("--worker", args.worker, "The bond is for inference");
  stake->footer(
      "Example: orrery tx stake --from users-0 1000 AIGEN --worker\n"
      "The flags replace those of an older bond.");

  CLI::App* unstake = add_signing(tx, "unstake", "Give notice of bonded money", args);
  add_amount(*unstake, args);
  unstake->footer(
      "Example: orrery tx unstake --from workers-1 100 AIGEN\n"
      "It becomes liquid after the chain's unbonding time.");
}

void add_task(CLI::App& tx, TxArgs& args) {
  CLI::App* task = add_signing(tx, "task", "Ask for an inference that the account pays", args);
  task->add_option("--model", args.model, "Name or digest")->required();
  task->add_option("--prompt", args.prompt, "Bytes that the model continues")->required();
  task->add_option("--tokens", args.tokens, "To generate at most")->check(CLI::PositiveNumber);
  task->footer("Example: orrery tx task --from users-0 --model small --prompt 'Once' --tokens 8");

  CLI::App* send = add_sub(tx, "send", "Submit what --print has printed", args);
  send->add_option("transaction", args.encoded, "Signed bytes in hexadecimal")->required();
  add_ask(*send, args.ask);
  add_wait(*send, args);
  send->footer(
      "Example: orrery tx send $(orrery tx transfer --from a.key --to b.key '1 AIGEN' "
      "--print)");
}

void add_chat(CLI::App& app, ChatArgs& args) {
  CLI::App* chat = app.add_subcommand("chat", "Ask a live network, and see the proof");
  chat->add_option("text", args.text, "The question (default: each line of standard input)");
  chat->add_option("--model", args.model, "Name or digest (default: the node's first)");
  chat->add_option("--tokens", args.tokens, "To generate at most")->check(CLI::PositiveNumber);
  chat->add_option("--temperature", args.temperature, "0 takes the likeliest (the default)");
  chat->add_option("--wait", args.wait,
                   "revealed: the answer is in a block; settled: nobody disproved it in time; "
                   "final: its block is final")
      ->check(CLI::IsMember({"revealed", "settled", "final"}));
  chat->add_option("--timeout", args.timeout, "How long to wait for an answer (default 5m)");
  add_ask(*chat, args.ask);
  chat->footer(std::string("Examples: orrery chat 'What is a block?' --tokens 24\n"
                           "          orrery chat --json < questions.txt | jq .proof\n"
                           "The node that is asked pays. ") +
               kExits);
}

}  // namespace

void add_client_verbs(CLI::App& app, ClientArgs& args) {
  CLI::App* tx = app.add_subcommand("tx", "Keys, and transactions signed on this side");
  tx->require_subcommand(1);
  add_keys(*tx, args.tx);
  add_money(*tx, args.tx);
  add_task(*tx, args.tx);
  tx->footer(std::string("Example: orrery tx transfer --from users-0 --to workers-0 12.5 AIGEN\n") +
             kExits);
  add_chat(app, args.chat);
}

std::optional<int> dispatch_client(const std::string& verb, const ClientArgs& args) {
  if (verb == "tx") return tx_command(args.tx);
  if (verb == "chat") return chat_command(args.chat);
  return std::nullopt;
}

}  // namespace orrery::cli

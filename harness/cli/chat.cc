// chat: a question to a node, its answer, and where the chain proves it.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "harness/cli/asking.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/net.h"
#include "harness/cli/terminal.h"
#include "harness/testnet/sending.h"
#include "protocol/node/wallet.h"
#include "reports/record/text.h"

namespace orrery::cli {
namespace {

using nlohmann::json;

Result<std::string> first_model(const testnet::RpcClient& node) {
  ASSIGN_OR_RETURN(const std::string text, node.call("listModels"));
  try {
    const json models = json::parse(text).at("models");
    if (models.empty()) return fail(ErrorCode::kRefused, node.url() + ": it offers no model");
    return models.at(0).at("model_id").get<std::string>();
  } catch (const json::exception& error) {
    return fail(ErrorCode::kMalformed, fmt::format("{} listModels: {}", node.url(), error.what()));
  }
}

json request_of(const ChatArgs& args, const std::string& model, const std::string& question) {
  json request{{"model_id", model},
               {"messages", json::array({{{"role", "user"}, {"content", question}}})},
               {"wait", args.wait == "settled" ? "settled" : "revealed"}};
  if (args.tokens) request["max_tokens"] = *args.tokens;
  if (args.temperature) request["temperature"] = *args.temperature;
  return request;
}

// Waits until the block of the proof is final, and says so in it. The answer is in a block already,
// but a reorganisation may still move it to another one.
Status make_final(const testnet::RpcClient& node, json& proof, Duration timeout) {
  const auto bytes = from_hex(proof.at("transaction").get<std::string>());
  Hash256 id;
  if (!bytes || bytes->size() != id.bytes.size()) {
    return fail(ErrorCode::kMalformed, node.url() + ": a proof without a transaction");
  }
  std::copy(bytes->begin(), bytes->end(), id.bytes.begin());
  const std::uint64_t last = proof.at("height").get<std::uint64_t>() + chain::Wallet::kValidBlocks;
  ASSIGN_OR_RETURN(const testnet::Inclusion placed,
                   testnet::wait_for(node, id, last, testnet::WaitFor::kFinal, timeout));
  proof.update({{"height", placed.height}, {"block", placed.block}, {"final", placed.final}});
  return {};
}

Result<json> ask(const ChatArgs& args, const testnet::RpcClient& node, const std::string& model,
                 const std::string& question) {
  if (!report::is_utf8(question)) {
    return fail(ErrorCode::kInvalidArgument, "a question is text in UTF-8");
  }
  ASSIGN_OR_RETURN(const Duration timeout, parse_duration(args.timeout));
  ASSIGN_OR_RETURN(const std::string text,
                   node.call("chatCompletion", request_of(args, model, question).dump(), timeout));
  json answer = json::parse(text);
  try {
    if (args.wait == "final") TRY(make_final(node, answer.at("proof"), timeout));
    (void)answer.at("choices").at(0).at("message").at("content");
  } catch (const json::exception& error) {
    return fail(ErrorCode::kMalformed,
                fmt::format("{} chatCompletion: {}", node.url(), error.what()));
  }
  return answer;
}

// Models here may generate any byte, and a terminal obeys some of them.
std::string harmless(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
  }
  return text;
}

void show(const json& answer) {
  const json& proof = answer.at("proof");
  const json& usage = answer.at("usage");
  fmt::print("{}\n", harmless(answer.at("choices").at(0).at("message").at("content")));
  std::fflush(stdout);  // before the proof, which goes another way
  const auto line = [&](const char* name, const char* member) {
    say(fmt::format("  {:<12}{}", name, proof.at(member).get<std::string>()));
  };
  line("task", "task");
  line("worker", "worker");
  line("input", "input_hash");
  line("output", "output_hash");
  line("transcript", "transcript_root");
  line("transaction", "transaction");
  say(fmt::format("  {:<12}{} at height {}, {}; the task is {}", "block",
                  proof.at("block").get<std::string>(), proof.at("height").get<std::uint64_t>(),
                  proof.at("final").get<bool>() ? "final" : "not final yet",
                  proof.at("state").get<std::string>()));
  say(fmt::format("  {:<12}{} of the prompt, {} generated", "tokens",
                  usage.at("prompt_tokens").get<std::uint64_t>(),
                  usage.at("completion_tokens").get<std::uint64_t>()));
}

int ask_and_show(const ChatArgs& args, const testnet::RpcClient& node, const std::string& model,
                 const std::string& question) {
  const auto answer = ask(args, node, model, question);
  if (!answer) return client_error(answer.error());
  try {
    if (args.ask.json) {
      fmt::print("{}\n", answer->dump());
      std::fflush(stdout);
    } else {
      show(*answer);
    }
  } catch (const json::exception& error) {
    return client_error(
        {ErrorCode::kMalformed, fmt::format("{} chatCompletion: {}", node.url(), error.what())});
  }
  return kHeld;
}

}  // namespace

int chat_command(const ChatArgs& args) {
  const auto timeout = parse_timeout(args.timeout);
  if (!timeout) return give_up(timeout.error());
  const auto asked = find_node(args.ask);
  if (!asked) return client_error(asked.error());
  std::string model = args.model;
  if (model.empty()) {
    const auto first = first_model(asked->node);
    if (!first) return client_error(first.error());
    model = *first;
  }
  if (args.text) return ask_and_show(args, asked->node, model, *args.text);
  int worst = kHeld;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    const int code = ask_and_show(args, asked->node, model, line);
    if (code == kEnvironment) return code;  // nobody is there to ask on
    worst = std::max(worst, code);
  }
  return worst;
}

}  // namespace orrery::cli

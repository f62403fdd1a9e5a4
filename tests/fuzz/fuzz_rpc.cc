// JSON-RPC as it comes from anybody: whatever is sent, each call is answered once, in JSON that can
// be read again, and what is taken for a transaction is the canonical encoding of one.
#include "harness/testnet/rpc/submit.h"
#include "protocol/node/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

namespace orrery {
namespace {

Bytes bytes_of(std::string_view text) { return Bytes(text.begin(), text.end()); }

std::string request(std::string_view method, std::string_view params) {
  return "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"" + std::string(method) +
         "\",\"params\":" + std::string(params) + "}";
}

std::string fields_of(const chain::Transaction& tx) {
  using testnet::object;
  return object({{"chain_id", tx.chain_id},
                 {"sender", tx.sender.hex()},
                 {"nonce", tx.nonce},
                 {"fee", to_decimal(tx.fee)},
                 {"valid_until", tx.valid_until},
                 {"tag", tx.tag},
                 {"payload", to_hex(tx.payload)},
                 {"public_key", tx.authorization.policy.keys[0].hex()},
                 {"signature", tx.authorization.signatures[0].signature.hex()}})
      .text;
}

// Echoes scalars, reads transactions.
void handle(const chain::ModuleTable& modules, const std::string& method,
            const testnet::Params& params, const testnet::Respond& respond) {
  if (method == "submit") {
    const auto encoded = testnet::read_transaction(params, modules);
    if (!encoded) return respond(tl::unexpected<testnet::RpcError>(encoded.error()));
    const auto tx = chain::decode_transaction(*encoded);
    FUZZ_CHECK(tx.has_value());
    FUZZ_CHECK(encode(*tx) == *encoded);
    FUZZ_CHECK(check_authorization(*tx).has_value());
    return respond(testnet::Json(to_hex(*encoded)));
  }
  const testnet::JsonView value = params.get("value", 0);
  if (!value.is_scalar()) return respond(testnet::refuse(testnet::kInvalidParams, "a scalar"));
  respond(value.copy());
}

// An answer is one object with either a result or an error, and an id.
void check_answer(testnet::JsonView answer) {
  FUZZ_CHECK(answer.member("jsonrpc").text() == "2.0");
  FUZZ_CHECK(answer.member("id").is_scalar());
  FUZZ_CHECK(static_cast<bool>(answer.member("result")) !=
             static_cast<bool>(answer.member("error")));
  if (answer.member("result")) fuzz::accepted();
}

}  // namespace

std::vector<Bytes> fuzz::seeds() {
  const chain::Transaction tx = sample_transaction();
  return {bytes_of(request("echo", "[1.5e3]")),
          bytes_of(request("echo", R"({"value":"\u00e9\ud83d\ude00\\"})")),
          bytes_of("[" + request("echo", "[null]") + "," + request("none", "{}") + ",3]"),
          bytes_of(R"({"jsonrpc":"2.0","method":"echo","params":[true]})"),
          bytes_of(request("submit", R"({"encoded":")" + to_hex(encode(tx)) + "\"}")),
          bytes_of(request("submit", fields_of(tx))),
          bytes_of(request("submit", "[" + fields_of(tx) + "]"))};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  static const chain::ModuleTable modules = chain::all_modules();
  int replies = 0;
  std::optional<std::string> got;
  testnet::serve_json_rpc(
      as_text(ByteView(data, size)),
      [&](const std::string& method, const testnet::Params& params,
          const testnet::Respond& respond) { handle(modules, method, params, respond); },
      [&](std::optional<std::string> answer) {
        ++replies;
        got = std::move(answer);
      });
  FUZZ_CHECK(replies == 1);
  if (!got) return 0;
  const auto document = testnet::JsonDocument::parse(*got);
  FUZZ_CHECK(document.has_value());
  const testnet::JsonView root = document->root();
  if (!root.is_array()) {
    check_answer(root);
    return 0;
  }
  FUZZ_CHECK(root.size() > 0);
  for (std::size_t i = 0; i < root.size(); ++i) check_answer(root.at(i));
  return 0;
}

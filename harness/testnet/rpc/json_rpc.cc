#include "harness/testnet/rpc/json_rpc.h"

#include <memory>

namespace orrery::testnet {
namespace {

std::string answer_text(const Json& id, const RpcResult& result) {
  if (result) {
    return object({{"jsonrpc", "2.0"}, {"id", id}, {"result", *result}}).text;
  }
  const RpcError& error = result.error();
  return object({{"jsonrpc", "2.0"},
                 {"id", id},
                 {"error", object({{"code", error.code}, {"message", error.message}})}})
      .text;
}

// The answers of one text until the last has come. Held by the calls that are still open.
struct Gathering {
  ReplyText reply;
  bool batch = false;
  std::size_t open = 0;
  std::string answers;

  void add(const Json& id, const RpcResult& result) {
    std::string text = answer_text(id, result);
    if (batch && answers.size() + text.size() > kMaxAnswerBytes) {
      text = answer_text(id, refuse(kServerError, "the answer of the batch would be too large"));
    }
    if (!answers.empty()) answers += ',';
    answers += text;
  }
  void close_one() {
    if (--open > 0) return;
    if (answers.empty()) return reply(std::nullopt);
    reply(batch ? '[' + answers + ']' : std::move(answers));
  }
};

// Why a member of the text is no request, if so.
std::optional<std::string> flaw_of(JsonView call) {
  if (!call.is_object()) return "a request is an object";
  if (call.member("jsonrpc").text() != "2.0") return "jsonrpc is \"2.0\"";
  const JsonView id = call.member("id");
  if (id && (!id.is_scalar() || id.boolean())) return "an id is text, a number or null";
  const auto method = call.member("method").text();
  if (!method || method->size() > kMaxMethodName) return "a method has a name";
  const JsonView params = call.member("params");
  if (params && !params.is_object() && !params.is_array()) return "params are named or in a list";
  return std::nullopt;
}

void serve_call(JsonView call, const CallHandler& handler,
                const std::shared_ptr<Gathering>& gathering) {
  if (const auto flaw = flaw_of(call)) {
    gathering->add(nullptr, refuse(kInvalidRequest, *flaw));
    return gathering->close_one();
  }
  const JsonView id_view = call.member("id");
  const bool notification = !id_view;
  const Json id = notification ? Json(nullptr) : id_view.copy();
  handler(*call.member("method").text(), Params(call.member("params")),
          [gathering, id, notification](const RpcResult& result) {
            if (!notification) gathering->add(id, result);
            gathering->close_one();
          });
}

}  // namespace

std::size_t serve_json_rpc(std::string_view text, const CallHandler& handler, ReplyText reply) {
  const auto gathering = std::make_shared<Gathering>();  // outlives this call if a method waits
  gathering->reply = std::move(reply);
  gathering->open = 1;
  const auto document = JsonDocument::parse(text);
  if (!document) {
    gathering->add(nullptr, refuse(kParseError, document.error().message));
    gathering->close_one();
    return 1;
  }
  const JsonView root = document->root();
  if (!root.is_array()) {
    serve_call(root, handler, gathering);
    return 1;
  }
  if (root.size() == 0 || root.size() > kMaxBatch) {
    gathering->add(nullptr, refuse(kInvalidRequest,
                                   "a batch has 1 to " + std::to_string(kMaxBatch) + " calls"));
    gathering->close_one();
    return 1;
  }
  gathering->batch = true;
  gathering->open = root.size();
  for (std::size_t i = 0; i < root.size(); ++i) serve_call(root.at(i), handler, gathering);
  return root.size();
}

}  // namespace orrery::testnet

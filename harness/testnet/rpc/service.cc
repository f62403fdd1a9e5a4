#include "harness/testnet/rpc/service.h"

#include <algorithm>

#include "harness/testnet/rpc/submit.h"
#include "harness/testnet/rpc/views.h"
#include "protocol/ledger/ledger.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::testnet {
namespace {

Json progress_json(const ChatDesk::Progress& progress) {
  return object({{"request_id", progress.request_id},
                 {"status", progress.status},
                 {"task", to_hex(progress.task)},
                 {"height", progress.height}});
}

bool matches(const EventFilter& filter, const chain::Transaction& tx, const std::string& type) {
  if (!filter.type.empty() && filter.type != type) return false;
  if (filter.address.empty() || filter.address == tx.sender.hex()) return true;
  const auto transfer = chain::decode_transfer(tx.payload);
  return tx.tag == chain::kTransferTag && transfer && transfer->to.hex() == filter.address;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                        hex_digit(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(16 * hex_digit(text[i + 1]) + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// The value of `name` in a query; empty if it is not there.
std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return percent_decode(pair.substr(name.size() + 1));
    }
    query.remove_prefix(std::min(query.size(), end + 1));
  }
  return {};
}

RpcService::Page not_found(const std::string& why) {
  return {.status = 404, .body = object({{"error", why}}).text};
}

}  // namespace

RpcService::RpcService(NodeView& view, std::string page)
    : view_(view), page_(std::move(page)), chats_([this](const ChatDesk::Progress& progress) {
        subscriptions_.publish(
            Event::kInferenceProgress, progress_json(progress), [&](const EventFilter& filter) {
              return filter.request_id.empty() || filter.request_id == progress.request_id;
            });
      }) {
  follower_.update(view_);
  state_ = view_.node().chain().state();
  last_time_ns_ = view_.node().chain().head().header().timestamp_ns;
}

std::size_t RpcService::call(Subscriptions::Reader reader, std::string_view body, ReplyText reply) {
  advance();
  return serve_json_rpc(
      body,
      [this, reader](const std::string& method, const Params& params, Respond respond) {
        dispatch(reader, method, params, respond);
      },
      std::move(reply));
}

void RpcService::dispatch(Subscriptions::Reader reader, const std::string& method,
                          const Params& params, const Respond& respond) {
  const auto read = read_methods().find(method);
  if (read != read_methods().end()) {
    RpcResult result = read->second(context(), params);
    metrics_.count_call(method, result.has_value());
    return respond(std::move(result));
  }
  if (method == "submitTransaction") return submit(params, respond);
  if (method == "chatCompletion") {
    return chats_.start(context(), params, [this, respond](RpcResult result) {
      metrics_.count_call("chatCompletion", result.has_value());
      respond(std::move(result));
    });
  }
  RpcResult result = refuse(kMethodNotFound, "method not found");
  if (method == "subscribe") result = subscriptions_.subscribe(reader, params);
  if (method == "unsubscribe") result = subscriptions_.unsubscribe(reader, params);
  const bool known = method == "subscribe" || method == "unsubscribe";
  metrics_.count_call(known ? method : "unknown", result.has_value());
  respond(std::move(result));
}

void RpcService::submit(const Params& params, Respond respond) {
  auto encoded = read_transaction(params, view_.node().chain().network().modules);
  if (!encoded) {
    metrics_.count_call("submitTransaction", false);
    return respond(tl::unexpected<RpcError>(encoded.error()));
  }
  metrics_.count_call("submitTransaction", true);
  chain::UserRequest request{.kind = chain::UserRequest::Kind::kTransaction};
  request.encoded = std::move(*encoded);
  view_.request(std::move(request), [respond](const chain::UserReply& reply) {
    if (!reply.accepted) return respond(refuse(kServerError, reply.error));
    respond(object({{"tx_hash", to_hex(reply.transaction)}, {"status", "pending"}}));
  });
}

bool RpcService::concerns(const env::TraceEvent& event) {
  switch (event.kind) {
    case chain::kTraceRestored:
    case chain::kTraceHead:
    case chain::kTraceFinalized:
    case env::kSessionUp:
    case env::kSessionDown:
    case env::kFaultBegin:
    case env::kFaultEnd: return true;
    default: return false;
  }
}

void RpcService::advance() {
  const ChainFollower::Update update = follower_.update(view_);
  if (!update.adopted.empty() || !update.abandoned.empty()) publish(update);
  chats_.advance(context());
}

void RpcService::tick() {
  advance();
  publish_status();
}

void RpcService::publish(const ChainFollower::Update& update) {
  if (!update.abandoned.empty() && !update.adopted.empty()) {
    metrics_.count_reorg();
    const FollowedBlock& from = update.abandoned.front();
    const chain::Header& first = update.adopted.front().block->header();
    const Json to = object({{"height", first.height - 1}, {"hash", to_hex(first.parent)}});
    subscriptions_.publish(
        Event::kNewBlock,
        object({{"from", object({{"height", from.height}, {"hash", to_hex(from.hash)}})},
                {"to", to},
                {"abandoned", update.abandoned.size()}}),
        {}, "reorg");
  }
  for (const ChainFollower::Adopted& adopted : update.adopted) publish_block(adopted);
  state_ = view_.node().chain().state();
  publish_status();
}

void RpcService::publish_block(const ChainFollower::Adopted& adopted) {
  const chain::SharedBlock& block = *adopted.block;
  const chain::ModuleTable& modules = view_.node().chain().network().modules;
  metrics_.count_block(adopted, block.header().timestamp_ns - last_time_ns_, modules);
  last_time_ns_ = block.header().timestamp_ns;
  if (subscriptions_.wanted(Event::kNewBlock)) {
    subscriptions_.publish(Event::kNewBlock, object(block_summary(block)));
  }
  if (subscriptions_.wanted(Event::kTransaction)) {
    for (std::size_t i = 0; i < block.block.transactions.size(); ++i) {
      const chain::SharedTransaction& tx = *block.block.transactions[i];
      const std::string type = type_name(tx.tx, modules);
      std::vector<Member> members = transaction_members(tx, modules);
      members.insert(
          members.end(),
          {{"height", block.header().height}, {"block", to_hex(block.hash)}, {"index", i}});
      subscriptions_.publish(Event::kTransaction, object(members), [&](const EventFilter& filter) {
        return matches(filter, tx.tx, type);
      });
    }
  }
  publish_values(adopted);
}

// Of blocks that the tree has forgotten already the changes come with the next that it holds.
void RpcService::publish_values(const ChainFollower::Adopted& adopted) {
  if (!adopted.result) return;
  if (subscriptions_.wanted(Event::kValueChanged)) {
    chain::StateTree::diff(
        state_, adopted.result->state,
        [&](std::string_view path, std::optional<ByteView> before, std::optional<ByteView> after) {
          const auto value = [](const std::optional<ByteView>& v) {
            return v ? Json(to_hex(*v)) : Json(nullptr);
          };
          subscriptions_.publish(
              Event::kValueChanged,
              object({{"path", path},
                      {"before", value(before)},
                      {"after", value(after)},
                      {"height", adopted.block->header().height}}),
              [&](const EventFilter& filter) { return path.starts_with(filter.path); });
        });
  }
  state_ = adopted.result->state;
}

void RpcService::publish_status() {
  if (!subscriptions_.wanted(Event::kNetworkStatus)) return;
  const Json status = network_status(context());
  if (status.text == last_status_) return;
  last_status_ = status.text;
  subscriptions_.publish(Event::kNetworkStatus, status);
}

RpcService::Page RpcService::get(std::string_view target, std::size_t connections) {
  advance();
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);
  if (path == "/" && !page_.empty()) return {.type = "text/html; charset=utf-8", .body = page_};
  if (path == "/metrics") {
    const Metrics::Gauges gauges{connections, subscriptions_.size(), chats_.open()};
    return {.type = "text/plain; version=0.0.4; charset=utf-8",
            .body = metrics_.text(context(), chats_.stats(), gauges)};
  }
  return rest(path, target.substr(std::min(target.size(), question + 1)));
}

RpcService::Page RpcService::rest(std::string_view path, std::string_view query) {
  constexpr std::string_view kBlocks = "/blocks/";
  if (path == "/chain") return answer("getChainInfo", "{}");
  if (path == "/models") return answer("listModels", "{}");
  if (path == "/health") return answer("health", "{}");
  if (path == "/state") {
    const std::string wanted = query_value(query, "path");
    return answer("getStateProof", object({{"path", wanted}}).text);
  }
  if (path.starts_with(kBlocks)) {
    const std::string id = percent_decode(path.substr(kBlocks.size()));
    return answer("getBlock", object({{"block", id}}).text);
  }
  return not_found("no such resource");
}

RpcService::Page RpcService::answer(const char* method, std::string_view params) {
  const auto document = JsonDocument::parse(params);
  if (!document) return not_found("no such resource");
  const RpcResult result = read_methods().at(method)(context(), Params(document->root()));
  if (result) return {.body = result->text};
  if (result.error().code == kBlockNotFound) return not_found(result.error().message);
  return {.status = 400, .body = object({{"error", result.error().message}}).text};
}

}  // namespace orrery::testnet

#include "harness/testnet/rpc/subscriptions.h"

#include <algorithm>

#include "engine/base/integer.h"

namespace orrery::testnet {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"newBlock", "transaction", "inferenceProgress",
                                                    "networkStatus", "valueChanged"};
constexpr std::size_t kMaxFilterText = 256;  // a path of the state has no more

// Reads one text member of the filter; false if it is there and no text.
bool read_text(JsonView filter, std::string_view name, std::string& out) {
  const JsonView value = filter.member(name);
  if (!value) return true;
  const auto text = value.text();
  if (!text || text->size() > kMaxFilterText) return false;
  out = *text;
  return true;
}

std::optional<EventFilter> read_filter(JsonView view) {
  EventFilter filter;
  if (!view || view.is_null()) return filter;
  const bool ok = view.is_object() && read_text(view, "address", filter.address) &&
                  read_text(view, "type", filter.type) &&
                  read_text(view, "request_id", filter.request_id) &&
                  read_text(view, "path", filter.path);
  if (!ok) return std::nullopt;
  return filter;
}

}  // namespace

Subscriptions::Reader Subscriptions::add_reader(Push push) {
  const Reader reader = next_reader_++;
  readers_[reader] = std::move(push);
  return reader;
}

void Subscriptions::remove_reader(Reader reader) {
  std::erase_if(subscriptions_, [&](const auto& item) {
    if (item.second.reader != reader) return false;
    --counts_[static_cast<std::size_t>(item.second.event)];
    return true;
  });
  readers_.erase(reader);
}

RpcResult Subscriptions::subscribe(Reader reader, const Params& params) {
  if (readers_.count(reader) == 0) {
    return refuse(kServerError, "subscriptions need a WebSocket: connect to / with an upgrade");
  }
  const auto name = params.get("event", 0).text();
  const auto at = std::find(kNames.begin(), kNames.end(), name.value_or(""));
  if (at == kNames.end()) return refuse(kInvalidParams, "unknown event");
  const auto filter = read_filter(params.get("filter", 1));
  if (!filter) return refuse(kInvalidParams, "a filter is an object of short texts");
  const auto mine = std::count_if(subscriptions_.begin(), subscriptions_.end(),
                                  [&](const auto& s) { return s.second.reader == reader; });
  if (static_cast<std::size_t>(mine) >= kMaxPerReader) {
    return refuse(kServerError, "a connection has at most 32 subscriptions");
  }
  const auto event = static_cast<Event>(at - kNames.begin());
  const std::uint64_t id = next_subscription_++;
  subscriptions_[id] = {reader, event, *filter};
  ++counts_[static_cast<std::size_t>(event)];
  return Json(std::to_string(id));
}

RpcResult Subscriptions::unsubscribe(Reader reader, const Params& params) {
  const auto text = params.get("id", 0).text();
  const auto number = text ? parse_decimal(*text) : std::nullopt;
  const auto it = number && *number <= UINT64_MAX
                      ? subscriptions_.find(static_cast<std::uint64_t>(*number))
                      : subscriptions_.end();
  if (it == subscriptions_.end() || it->second.reader != reader) {
    return refuse(kInvalidParams, "no such subscription of this connection");
  }
  --counts_[static_cast<std::size_t>(it->second.event)];
  subscriptions_.erase(it);
  return Json(true);
}

void Subscriptions::publish(Event event, const Json& result, const Match& match,
                            std::string_view method) const {
  if (!wanted(event)) return;
  if (method.empty()) method = kNames[static_cast<std::size_t>(event)];
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription.event != event || (match && !match(subscription.filter))) continue;
    const auto push = readers_.find(subscription.reader);
    if (push == readers_.end()) continue;
    const Json params = object({{"subscription", std::to_string(id)}, {"result", result}});
    push->second(object({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}}).text);
  }
}

}  // namespace orrery::testnet

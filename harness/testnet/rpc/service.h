// Everything that the door does but sockets: calls, subscriptions, REST, metrics and the page.
// Owned by the server; used on the node's loop, outside the node's handlers.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "harness/testnet/rpc/chat.h"
#include "harness/testnet/rpc/follower.h"
#include "harness/testnet/rpc/metrics.h"
#include "harness/testnet/rpc/subscriptions.h"
#include "protocol/types/state_tree.h"

namespace orrery::testnet {

class RpcService {
 public:
  // `view` outlives the service, up to close().
  RpcService(NodeView& view, std::string page);
  RpcService(const RpcService&) = delete;
  RpcService& operator=(const RpcService&) = delete;

  Subscriptions::Reader add_reader(Subscriptions::Push push) {
    return subscriptions_.add_reader(std::move(push));
  }
  void remove_reader(Subscriptions::Reader reader) { subscriptions_.remove_reader(reader); }

  // Returns the number of calls in `body`.
  std::size_t call(Subscriptions::Reader reader, std::string_view body, ReplyText reply);

  struct Page {
    unsigned status = 200;
    std::string type = "application/json";
    std::string body;
  };
  // `target` of a GET: path and perhaps a query. Unknown paths are 404 with {error}.
  Page get(std::string_view target, std::size_t connections);

  // Whether the event changes what subscribers hear, so that advance() is due.
  static bool concerns(const env::TraceEvent& event);
  // Looks at the node: publishes what is new, answers chats whose result is there.
  void advance();
  // Once a second: what no event tells.
  void tick();
  // No answer goes out any more.
  void close() { chats_.clear(); }

 private:
  ReadContext context() const { return {view_, follower_}; }
  void dispatch(Subscriptions::Reader reader, const std::string& method, const Params& params,
                const Respond& respond);
  void submit(const Params& params, Respond respond);
  void publish(const ChainFollower::Update& update);
  void publish_block(const ChainFollower::Adopted& adopted);
  void publish_values(const ChainFollower::Adopted& adopted);
  void publish_status();
  Page rest(std::string_view path, std::string_view query);
  Page answer(const char* method, std::string_view params);

  NodeView& view_;
  std::string page_;
  ChainFollower follower_;
  Subscriptions subscriptions_;
  ChatDesk chats_;
  Metrics metrics_;
  chain::StateTree state_;         // after the last block published
  std::int64_t last_time_ns_ = 0;  // slot time of that block
  std::string last_status_;        // of networkStatus, as text
};

}  // namespace orrery::testnet

// A service over a simulated node, and calls to it without sockets.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/testnet/rpc/service.h"
#include "tests/unit/harness/testnet/rpc/sim_view.h"

namespace orrery::testnet {

class ServiceWorld {
 public:
  using Node = nlohmann::json;

  explicit ServiceWorld(const std::string& more = "")
      : world(rpc_world(more)), view(*world), service(view, "<p>page</p>") {}

  // In steps of a second, as events come to a live server.
  void run(Duration more) {
    const Time end = world->simulator().now() + more;
    for (Time t = world->simulator().now(); t < end;) {
      t = std::min(end, t + Duration::seconds(1));
      ASSERT_TRUE(world->run_until(t).has_value());
      service.advance();
    }
  }
  template <class Predicate>
  bool run_until(Predicate&& done, int seconds = 1200) {
    for (int i = 0; i < seconds && !done(); ++i) run(Duration::seconds(1));
    return done();
  }
  // The answer's text; empty if none was due, nothing if none has come yet.
  std::shared_ptr<std::optional<std::string>> send(const std::string& text,
                                                   Subscriptions::Reader reader = 0) {
    auto got = std::make_shared<std::optional<std::string>>();
    service.call(reader, text,
                 [got](std::optional<std::string> answer) { *got = answer.value_or(""); });
    return got;
  }
  // A single value stands for a list of one.
  static std::string request(const std::string& method, const Node& params = Node::object()) {
    const Node sent = params.is_structured() ? params : Node::array({params});
    return Node{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", sent}}.dump();
  }
  Node call(const std::string& method, const Node& params = Node::object(),
            Subscriptions::Reader reader = 0) {
    const auto got = send(request(method, params), reader);
    if (!*got) run_until([&] { return got->has_value(); });
    if (!*got) {
      ADD_FAILURE() << method << " got no answer";
      return {};
    }
    return Node::parse(**got);
  }
  Node result(const std::string& method, const Node& params = Node::object(),
              Subscriptions::Reader reader = 0) {
    const Node answer = call(method, params, reader);
    EXPECT_TRUE(answer.contains("result")) << answer.dump();
    return answer.contains("result") ? answer["result"] : Node();
  }
  int error(const std::string& method, const Node& params = Node::object()) {
    const Node answer = call(method, params);
    EXPECT_TRUE(answer.contains("error")) << answer.dump();
    return answer.contains("error") ? answer["error"]["code"].get<int>() : 0;
  }
  const chain::Chain& chain() { return view.node().chain(); }

  std::unique_ptr<run::World> world;
  SimView view;
  RpcService service;
};

}  // namespace orrery::testnet

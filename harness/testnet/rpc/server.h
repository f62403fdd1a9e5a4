// The door of a live node for everyone but peers: one HTTP port with JSON-RPC 2.0 at POST /,
// WebSocket subscriptions at GET / (upgrade), REST, Prometheus and the page. Loopback by default.
// Runs on the node's loop, on one thread; requests, rates, connections and queues are bounded. What
// it offers is in service.h, who may come in is in gate.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/env/trace.h"
#include "harness/testnet/rpc/node_view.h"

namespace boost::asio {
class io_context;
}

namespace orrery::testnet {

struct RpcOptions {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 0;  // 0: the system picks one
  // Above it, the connection that has waited longest for a request makes room.
  std::size_t max_connections = 1024;
  std::size_t max_body_bytes = 1 << 20;      // of a request or a WebSocket message
  std::uint32_t requests_per_second = 2000;  // of one address; above it: HTTP 429
  std::size_t max_queued_bytes = 4 << 20;    // for one WebSocket reader; above it: closed, 1013
  std::int64_t read_timeout_ms = 15'000;     // for a whole request, from the answer before it
  std::int64_t write_timeout_ms = 30'000;    // for a whole answer
  std::string page;                          // HTML of GET /
};

class RpcServer final : public env::TraceSink {
 public:
  // kIo with the address in the message if it cannot listen. `view` outlives the server, and its
  // node has booted.
  static Result<std::unique_ptr<RpcServer>> listen(boost::asio::io_context& loop,
                                                   RpcOptions options, NodeView& view);
  ~RpcServer() override;

  std::uint16_t port() const;
  // Events of the node, after each handler: feeds subscriptions and counters.
  void on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) override;
  // Stops listening and closes every connection.
  void close();

 private:
  class Impl;
  explicit RpcServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace orrery::testnet

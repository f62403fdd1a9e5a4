// What RPC may see and ask of the live node in whose process it runs, on that node's loop. Reading
// changes nothing in the node; what changes it goes through request(), and is in the flight log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/env/env.h"
#include "protocol/node/node.h"
#include "protocol/node/user.h"

namespace orrery::testnet {

struct ModelView {
  std::string name;
  Hash256 digest;  // of the artefact; on chain the model is known by it
  std::uint64_t bytes = 0;
  std::uint32_t dim = 0, layers = 0, heads = 0, context = 0;
};

struct PeerView {
  std::string name;  // of the scenario; empty for a stranger
  std::string key;   // hex
  std::string address;
  bool outbound = false;
};

struct FaultView {
  std::string name;  // "split"
  std::string kind;  // "partition"
  bool active = false;
  std::int64_t begin_ms = 0;  // wall time, Unix
  std::int64_t end_ms = 0;    // 0: still running
};

struct NetworkCounters {
  std::uint64_t messages_sent = 0, bytes_sent = 0;
  std::uint64_t messages_received = 0, bytes_received = 0;
};

class NodeView {
 public:
  virtual ~NodeView() = default;
  virtual const chain::ChainNode& node() const = 0;
  // For reads of the store only (Chain::block_at and the like).
  virtual env::Env& env() = 0;
  virtual std::string name() const = 0;
  virtual std::string role() const = 0;
  virtual std::vector<ModelView> models() const = 0;
  virtual std::vector<PeerView> peers() const = 0;
  virtual std::vector<FaultView> faults() const = 0;
  virtual NetworkCounters counters() const = 0;
  // The node's own account signs and pays. `on_reply` is called later, on the loop.
  virtual void request(chain::UserRequest request,
                       std::function<void(const chain::UserReply&)> on_reply) = 0;
};

}  // namespace orrery::testnet

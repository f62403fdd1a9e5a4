// Who wants to hear of what: subscriptions of WebSocket readers, their filters, and the frames that
// go out to them. Owned by RpcService.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "harness/testnet/rpc/json_rpc.h"

namespace orrery::testnet {

enum class Event : std::uint8_t {
  kNewBlock,           // also hears "reorg"
  kTransaction,        // filter: address, type
  kInferenceProgress,  // filter: request_id
  kNetworkStatus,
  kValueChanged,  // filter: path, a prefix
};

struct EventFilter {
  std::string address;  // hexadecimal; empty: all, as for the others
  std::string type;     // of the transaction
  std::string request_id;
  std::string path;
};

class Subscriptions {
 public:
  static constexpr std::size_t kMaxPerReader = 32;
  // Takes a frame for the reader. Must not come back into this object before it returns.
  using Push = std::function<void(std::string frame)>;
  using Reader = std::uint64_t;  // 0: nobody

  Reader add_reader(Push push);
  void remove_reader(Reader reader);

  // ([event, filter?]) -> id, ([id]) -> true; the reader's own.
  RpcResult subscribe(Reader reader, const Params& params);
  RpcResult unsubscribe(Reader reader, const Params& params);

  bool wanted(Event event) const { return counts_[static_cast<std::size_t>(event)] > 0; }
  using Match = std::function<bool(const EventFilter&)>;
  // `method`: the event's name unless told ("reorg" goes to those that hear newBlock).
  void publish(Event event, const Json& result, const Match& match = {},
               std::string_view method = {}) const;
  std::size_t size() const { return subscriptions_.size(); }
  std::size_t readers() const { return readers_.size(); }

 private:
  struct Subscription {
    Reader reader = 0;
    Event event{};
    EventFilter filter;
  };
  static constexpr std::size_t kEvents = 5;

  std::map<Reader, Push> readers_;
  std::map<std::uint64_t, Subscription> subscriptions_;
  std::array<std::size_t, kEvents> counts_{};
  std::uint64_t next_reader_ = 1;
  std::uint64_t next_subscription_ = 1;
};

}  // namespace orrery::testnet

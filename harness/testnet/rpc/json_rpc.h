// JSON-RPC 2.0 without transport and without methods: single calls, notifications and batches; who
// calls supplies what the methods do. Answers may come later.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "harness/testnet/rpc/json.h"

namespace orrery::testnet {

inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kServerError = -32000;  // the node refuses, the message says why
inline constexpr int kTaskFailed = -32001;   // a task ended without a result
// Of the application, by the numbers that clients of the real chains know.
inline constexpr int kBlockNotFound = 1001;
inline constexpr int kInvalidSignature = 1002;
inline constexpr int kModelNotFound = 2001;
inline constexpr int kInvalidChat = 2006;
inline constexpr int kPaymentRequired = 2007;
inline constexpr int kContextExceeded = 2008;

struct RpcError {
  int code = kServerError;
  std::string message;
};
using RpcResult = tl::expected<Json, RpcError>;
inline tl::unexpected<RpcError> refuse(int code, std::string message) {
  return tl::unexpected<RpcError>(RpcError{code, std::move(message)});
}
// Called once, in the handler or later.
using Respond = std::function<void(RpcResult)>;

// Parameters by name (object) or by position (array). Valid while the handler runs.
class Params {
 public:
  explicit Params(JsonView value) : value_(value) {}
  JsonView get(std::string_view name, std::size_t position) const {
    return value_.is_array() ? value_.at(position) : value_.member(name);
  }
  JsonView value() const { return value_; }

 private:
  JsonView value_;
};

inline constexpr std::size_t kMaxBatch = 200;  // calls; more is one -32600
inline constexpr std::size_t kMaxMethodName = 64;
inline constexpr std::size_t kMaxAnswerBytes = 8 << 20;  // of a batch: the calls above it fail

using CallHandler = std::function<void(const std::string& method, Params params, Respond respond)>;
// Gets the answer's text, or nothing if none is due (notifications).
using ReplyText = std::function<void(std::optional<std::string>)>;

// Returns the number of calls in `text`; `reply` is called once, perhaps before this returns.
std::size_t serve_json_rpc(std::string_view text, const CallHandler& handler, ReplyText reply);

}  // namespace orrery::testnet

// Requests from the node's own user: what RPC and a scenario's load send as env::Request.
#pragma once

#include "protocol/node/wallet.h"
#include "protocol/work/task.h"

namespace orrery::chain {

struct UserRequest {
  enum class Kind : std::uint8_t { kTask, kTransfer, kUnstake, kTransaction } kind = Kind::kTask;
  RequestPayload task;     // kTask
  Address to;              // kTransfer
  Amount amount = 0;       // kTransfer, kUnstake
  Bytes encoded;           // kTransaction: signed by whoever it is of, passed on as it is
};
Bytes encode(const UserRequest& request);
Result<UserRequest> decode_user_request(ByteView bytes);

// Accepted: the transaction's id, and the task's id for a task. Refused: why.
struct UserReply {
  bool accepted = false;
  Hash256 transaction;
  Hash256 task;
  std::string error;
};
Bytes encode(const UserReply& reply);
Result<UserReply> decode_user_reply(ByteView bytes);

// Turns the request into a transaction of this node's account, or takes the one it brings, and
// replies.
void serve_user(env::Env& env, const env::Request& request, Wallet& wallet,
                const ChainParams& params);

}  // namespace orrery::chain

#include "protocol/node/user.h"

#include "engine/base/codec.h"
#include "protocol/ledger/ledger.h"
#include "protocol/ledger/staking.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::chain {

Bytes encode(const UserRequest& r) {
  Writer out;
  out.u8(static_cast<std::uint8_t>(r.kind));
  if (r.kind == UserRequest::Kind::kTask) {
    out.bytes(encode(r.task));
  } else if (r.kind == UserRequest::Kind::kTransfer) {
    out.array(r.to.bytes).wide(r.amount);
  } else if (r.kind == UserRequest::Kind::kTransaction) {
    out.bytes(r.encoded);
  } else {
    out.wide(r.amount);
  }
  return out.take();
}

Result<UserRequest> decode_user_request(ByteView bytes) {
  Reader in(bytes);
  UserRequest r;
  switch (in.u8()) {
    case 0: {
      auto task = decode_request(in.bytes(kMaxPayloadBytes));
      if (task) {
        r.task = std::move(*task);
      } else {
        in.fail(task.error().message);
      }
      break;
    }
    case 1:
      r.kind = UserRequest::Kind::kTransfer;
      r.to = Address{in.array<20>()};
      r.amount = in.wide();
      break;
    case 2:
      r.kind = UserRequest::Kind::kUnstake;
      r.amount = in.wide();
      break;
    case 3: {
      r.kind = UserRequest::Kind::kTransaction;
      const ByteView encoded = in.bytes(kMaxTransactionBytes);
      r.encoded.assign(encoded.begin(), encoded.end());
      break;
    }
    default: in.fail("unknown kind of request");
  }
  TRY(in.finish());
  return r;
}

Bytes encode(const UserReply& r) {
  return Writer().boolean(r.accepted).hash(r.transaction).hash(r.task).text(r.error).take();
}

Result<UserReply> decode_user_reply(ByteView bytes) {
  Reader in(bytes);
  UserReply r;
  r.accepted = in.boolean();
  r.transaction = in.hash();
  r.task = in.hash();
  r.error = in.text(1024);
  TRY(in.finish());
  return r;
}

void serve_user(env::Env& env, const env::Request& request, Wallet& wallet,
                const ChainParams& params) {
  UserReply reply;
  const auto asked = decode_user_request(request.body.view());
  const std::uint64_t nonce = wallet.next_nonce();
  Result<Hash256> sent = fail(ErrorCode::kMalformed, "");
  if (!asked) {
    sent = tl::unexpected<Error>(asked.error());
  } else if (asked->kind == UserRequest::Kind::kTask) {
    sent = wallet.submit(env, kRequestTag, encode(asked->task));
    reply.task = task_id(params.id, wallet.address(), nonce);
  } else if (asked->kind == UserRequest::Kind::kTransaction) {
    sent = wallet.pass_on(env, asked->encoded);
  } else if (asked->kind == UserRequest::Kind::kUnstake) {
    sent = wallet.submit(env, kUnstakeTag, encode(UnstakePayload{asked->amount}));
  } else {
    sent = wallet.submit(env, kTransferTag, encode(TransferPayload{asked->to, asked->amount}));
  }
  reply.accepted = sent.has_value();
  if (sent) {
    reply.transaction = *sent;
  } else {
    reply.error = sent.error().message;
  }
  env.trace.emit({.kind = kTraceUserRequest,
                  .n = {request.id, reply.accepted ? 1u : 0u},
                  .a = reply.transaction});
  env.replies.reply(request.id, Buffer(encode(reply)));
}

}  // namespace orrery::chain

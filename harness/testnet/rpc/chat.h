// chatCompletion: a task of the node's own account, from the request until its result is on the
// canonical chain. The answer is what a worker revealed there, with what it takes to check it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "harness/testnet/rpc/chain_methods.h"

namespace orrery::testnet {

// {model_id, messages, max_tokens, temperature, top_p, top_k, wait, request_id}. `wait`:
// "revealed" (the default: the answer stands in a block and may still be challenged) or "settled"
// (nobody challenged it in time, or the challenge failed). A seed of the caller has no effect: the
// chain draws the sampling seed from the assignment, so that nobody can choose an answer.
class ChatDesk {
 public:
  static constexpr std::size_t kMaxOpen = 256;      // requests waiting at a time
  static constexpr std::size_t kMaxRequestId = 64;  // bytes
  static constexpr std::size_t kMaxMessages = 256;

  struct Progress {
    std::string request_id;
    std::string status;  // queued assigned committed revealed completed failed
    Hash256 task;
    std::uint64_t height = 0;
  };
  struct Stats {
    std::uint64_t completed = 0, failed = 0, tokens = 0;
    double seconds = 0;  // of completed requests, summed
  };

  explicit ChatDesk(std::function<void(const Progress&)> on_progress)
      : on_progress_(std::move(on_progress)) {}

  void start(const ReadContext& context, const Params& params, Respond respond);
  // The head has moved, or time has passed.
  void advance(const ReadContext& context);
  // Forgets all that wait, without an answer.
  void clear() { open_.clear(); }
  std::size_t open() const { return open_.size(); }
  const Stats& stats() const { return stats_; }

 private:
  struct Chat {
    std::string request_id;
    std::string model_id;
    Hash256 transaction;
    Hash256 task;
    std::uint32_t max_tokens = 0;
    bool settled = false;        // what to wait for
    std::string status;          // last told
    std::uint64_t expires = 0;   // height after which the transaction cannot be included
    std::uint64_t deadline = 0;  // height at which we give up
    Time started{};
    Time give_up{};  // the same where the chain stands still
    Respond respond;
  };
  using Open = std::map<std::uint64_t, Chat>;

  void accepted(std::uint64_t number, const chain::UserReply& reply);
  void tell(Chat& chat, const std::string& status, std::uint64_t height);
  // Whether the chat has come to its end; then `result` is the answer.
  bool look(const ReadContext& context, Chat& chat, RpcResult& result);
  RpcResult answer(const ReadContext& context, const Chat& chat, const chain::Task& task);
  void finish(Chat chat, const ReadContext& context, RpcResult result);

  std::function<void(const Progress&)> on_progress_;
  Open open_;
  std::uint64_t next_ = 1;
  Stats stats_;
  // Replies of the node that come after this object has gone find it dead.
  std::shared_ptr<ChatDesk*> alive_ = std::make_shared<ChatDesk*>(this);
};

}  // namespace orrery::testnet

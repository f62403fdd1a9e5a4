#include "harness/testnet/rpc/chat.h"

#include <algorithm>
#include <cmath>

#include "harness/testnet/rpc/views.h"
#include "protocol/ledger/accounts.h"
#include "protocol/node/wallet.h"

namespace orrery::testnet {
namespace {

using Text = tl::expected<std::string, RpcError>;

// One message is the prompt as it is. Of several each becomes a line "role: content", and
// "assistant: " at the end asks for the next turn: models here complete bytes and know no roles.
Text prompt_of(JsonView messages) {
  if (!messages.is_array()) return refuse(kInvalidParams, "messages is a list");
  if (messages.size() == 0 || messages.size() > ChatDesk::kMaxMessages) {
    return refuse(kInvalidChat, "1 to 256 messages");
  }
  std::string prompt;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto role = messages.at(i).member("role").text();
    const auto content = messages.at(i).member("content").text();
    if (!role || !content) return refuse(kInvalidChat, "a message has role and content, both text");
    if (messages.size() == 1) return *content;
    prompt += *role + ": " + *content + "\n";
  }
  return prompt + "assistant: ";
}

tl::expected<gpu::SamplingParams, RpcError> sampling_of(const Params& params,
                                                        const chain::WorkParams& work) {
  gpu::SamplingParams sampling;
  sampling.max_tokens = std::min<std::uint32_t>(64, work.max_output_tokens);
  if (const JsonView v = params.get("max_tokens", 2); v && !v.is_null()) {
    const auto n = v.u64();
    if (!n || *n == 0 || *n > work.max_output_tokens) {
      return refuse(kInvalidParams, "max_tokens is 1 to " + std::to_string(work.max_output_tokens));
    }
    sampling.max_tokens = static_cast<std::uint32_t>(*n);
  }
  if (const JsonView v = params.get("temperature", 3); v && !v.is_null()) {
    const auto t = v.real();
    if (!t || !(*t >= 0) || *t > 100) return refuse(kInvalidParams, "temperature is 0 to 100");
    sampling.temperature = static_cast<std::uint32_t>(std::lround(*t * gpu::kTemperatureOne));
  }
  if (const JsonView v = params.get("top_p", 4); v && !v.is_null()) {
    const auto p = v.real();
    if (!p || !(*p > 0) || *p > 1) return refuse(kInvalidParams, "top_p is above 0, at most 1");
    const double scaled = std::max(1.0, std::floor(*p * static_cast<double>(gpu::kTopPOne)));
    sampling.top_p = static_cast<std::uint64_t>(scaled);
  }
  if (const JsonView v = params.get("top_k", 5); v && !v.is_null()) {
    const auto k = v.u64();
    if (!k || *k > 65'536) return refuse(kInvalidParams, "top_k is 0 to 65536");
    sampling.top_k = static_cast<std::uint32_t>(*k);
  }
  return sampling;
}

// Whether the task still counts this result: a missed deadline may have taken the task away from
// workers that had revealed.
bool stands(const chain::Task& task, const chain::Address& worker, const Hash256& result) {
  return std::any_of(task.assignments.begin(), task.assignments.end(), [&](const auto& a) {
    return a.worker == worker && a.reveal && a.reveal->result == result;
  });
}

// All time limits of a task's way, one after the other.
std::uint64_t patience(const chain::WorkParams& w) {
  return chain::Wallet::kValidBlocks + w.queue_blocks + w.commit_blocks + w.reveal_blocks +
         w.challenge_blocks + w.verdict_blocks;
}

}  // namespace

void ChatDesk::start(const ReadContext& c, const Params& params, Respond respond) {
  const chain::ChainParams& chain = c.chain().params();
  const auto model_id = params.get("model_id", 0).text();
  if (!model_id) return respond(refuse(kInvalidParams, "model_id is a name or a digest"));
  const auto model = find_model(c, *model_id);
  if (!model) return respond(refuse(kModelNotFound, "model not found"));
  const Text prompt = prompt_of(params.get("messages", 1));
  if (!prompt) return respond(tl::unexpected<RpcError>(prompt.error()));
  const auto sampling = sampling_of(params, chain.work);
  if (!sampling) return respond(tl::unexpected<RpcError>(sampling.error()));
  // One position is for the token that begins every prompt.
  const bool fits = model->context == 0 || prompt->size() + 1 <= model->context;
  if (prompt->size() > chain.work.max_prompt_bytes || !fits) {
    return respond(refuse(kContextExceeded, "the prompt is longer than chain or model allow"));
  }
  const std::string wait = params.get("wait", 6).text().value_or("revealed");
  if (wait != "revealed" && wait != "settled") {
    return respond(refuse(kInvalidParams, "wait is \"revealed\" or \"settled\""));
  }
  const std::string request_id = params.get("request_id", 7).text().value_or("");
  if (request_id.size() > kMaxRequestId) {
    return respond(refuse(kInvalidParams, "request_id has at most 64 bytes"));
  }
  const chain::Amount balance = chain::amount_at(
      c.chain().state(),
      chain::balance_path(chain::address_of(c.view.node().config().key.public_key())));
  if (balance < chain::charge_for(chain.fees, sampling->max_tokens) + chain.fees.base_fee) {
    return respond(refuse(kPaymentRequired, "the node's account does not cover the price"));
  }
  if (open_.size() >= kMaxOpen) {
    return respond(refuse(kServerError, "too many requests are waiting"));
  }
  const std::uint64_t height = c.chain().head().height();
  const std::uint64_t number = next_++;
  const Time now = c.view.env().clock.mono();
  open_[number] = {.request_id = request_id,
                   .model_id = model->name,
                   .max_tokens = sampling->max_tokens,
                   .settled = wait == "settled",
                   .expires = height + 1 + chain::Wallet::kValidBlocks,
                   .deadline = height + patience(chain.work),
                   .started = now,
                   .give_up = now + chain.consensus.block_interval *
                                        static_cast<std::int64_t>(3 * patience(chain.work)),
                   .respond = std::move(respond)};
  chain::UserRequest request;
  request.task.model = model->digest;
  request.task.prompt = Bytes(prompt->begin(), prompt->end());
  request.task.params = sampling->encode();
  c.view.request(std::move(request),
                 [alive = std::weak_ptr<ChatDesk*>(alive_), number](const chain::UserReply& reply) {
                   if (const auto desk = alive.lock()) (*desk)->accepted(number, reply);
                 });
}

void ChatDesk::accepted(std::uint64_t number, const chain::UserReply& reply) {
  const auto it = open_.find(number);
  if (it == open_.end()) return;
  Chat& chat = it->second;
  if (!reply.accepted) {
    const Respond respond = std::move(chat.respond);
    open_.erase(it);
    ++stats_.failed;
    return respond(refuse(kServerError, reply.error));
  }
  chat.transaction = reply.transaction;
  chat.task = reply.task;
  if (chat.request_id.empty()) chat.request_id = to_hex(reply.task);
  tell(chat, "queued", 0);
}

void ChatDesk::tell(Chat& chat, const std::string& status, std::uint64_t height) {
  if (chat.status == status) return;
  chat.status = status;
  on_progress_({chat.request_id, status, chat.task, height});
}

void ChatDesk::advance(const ReadContext& c) {
  std::vector<std::pair<Chat, RpcResult>> ended;
  for (auto it = open_.begin(); it != open_.end();) {
    RpcResult result = Json(nullptr);
    if (look(c, it->second, result)) {
      ended.emplace_back(std::move(it->second), std::move(result));
      it = open_.erase(it);
    } else {
      ++it;
    }
  }
  // Apart from the loop: an answer may bring the next request.
  for (auto& [chat, result] : ended) finish(std::move(chat), c, std::move(result));
}

void ChatDesk::finish(Chat chat, const ReadContext& c, RpcResult result) {
  if (result) {
    ++stats_.completed;
    stats_.seconds += static_cast<double>((c.view.env().clock.mono() - chat.started).ns) * 1e-9;
  } else {
    ++stats_.failed;
  }
  tell(chat, result ? "completed" : "failed", c.chain().head().height());
  chat.respond(std::move(result));
}

bool ChatDesk::look(const ReadContext& c, Chat& chat, RpcResult& result) {
  const std::uint64_t height = c.chain().head().height();
  if (height > chat.deadline || c.view.env().clock.mono() > chat.give_up) {
    result = refuse(kTaskFailed, "the network did not answer in time");
    return true;
  }
  if (chat.transaction.is_zero()) return false;  // the node has not replied yet
  const auto task = chain::find_task(c.chain().state(), chat.task);
  if (!task) {
    const auto place = c.follower.find_transaction(chat.transaction);
    if (place && place->ok == false) {
      result = refuse(kTaskFailed, "the request failed when it was executed");
    } else if (height > chat.expires) {
      result = refuse(kTaskFailed, "no block included the request in time");
    }
    return !result;
  }
  switch (task->state) {
    case chain::TaskState::kQueued: tell(chat, "queued", height); return false;
    case chain::TaskState::kAssigned: tell(chat, "assigned", height); return false;
    case chain::TaskState::kCommitted: tell(chat, "committed", height); return false;
    case chain::TaskState::kRefunded:
      result = refuse(kTaskFailed, "the task was refunded: nobody delivered in time");
      return true;
    case chain::TaskState::kSlashed:
      result = refuse(kTaskFailed, "the result was wrong: its worker was slashed");
      return true;
    case chain::TaskState::kRevealed:
      tell(chat, "revealed", height);
      if (chat.settled) return false;
      break;
    case chain::TaskState::kChallenged: tell(chat, "revealed", height); return false;
    case chain::TaskState::kSettled: break;
  }
  result = answer(c, chat, *task);
  return true;
}

RpcResult ChatDesk::answer(const ReadContext& c, const Chat& chat, const chain::Task& task) {
  // Of replicas that disagree the settlement named one that was right.
  const chain::ChainEvent* end = c.follower.end_of_task(task.id);
  for (const TransactionPlace& place : c.follower.reveals(task.id)) {
    const chain::BlockPtr block = c.chain().block_at(c.view.env(), place.height);
    if (!block || place.index >= block->block.transactions.size()) continue;
    const chain::SharedTransaction& tx = *block->block.transactions[place.index];
    if (task.state == chain::TaskState::kSettled && end && tx.tx.sender != end->who) continue;
    const auto reveal = chain::decode_reveal(tx.tx.payload);
    if (!reveal || reveal->task != task.id) continue;
    const auto result = gpu::InferenceResult::decode(reveal->result);
    if (!result || !stands(task, tx.tx.sender, result->digest())) continue;
    stats_.tokens += result->generated_tokens;
    const std::string_view output = as_text(result->output);
    const bool full = result->generated_tokens >= chat.max_tokens;
    const Json message = object(
        {{"role", "assistant"}, {"content", output}, {"content_hex", to_hex(result->output)}});
    return object(
        {{"id", chat.request_id},
         {"model_id", chat.model_id},
         {"choices",
          array({object(
              {{"index", 0}, {"message", message}, {"finish_reason", full ? "length" : "stop"}})})},
         {"usage", object({{"prompt_tokens", result->prompt_tokens},
                           {"completion_tokens", result->generated_tokens},
                           {"total_tokens", result->prompt_tokens + result->generated_tokens}})},
         {"proof", object({{"task", to_hex(task.id)},
                           {"state", chain::to_string(task.state)},
                           {"input_hash", to_hex(task.input_digest)},
                           {"output_hash", to_hex(result->digest())},
                           {"transcript_root", to_hex(result->transcript_root)},
                           {"sampling_seed", std::to_string(task.sampling_seed)},
                           {"worker", tx.tx.sender.hex()},
                           {"transaction", to_hex(tx.id)},
                           {"block", to_hex(block->hash)},
                           {"height", place.height},
                           {"final", place.height <= c.chain().finalized_height()}})}});
  }
  return refuse(kTaskFailed, "the result is no longer at hand: ask for the task's block");
}

}  // namespace orrery::testnet

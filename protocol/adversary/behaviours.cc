#include "engine/base/codec.h"
#include "gpu/api/inference.h"
#include "protocol/adversary/actor.h"

namespace orrery::chain {
namespace {

constexpr BehaviourInfo kBehaviours[] = {
    {"honest", "follows the protocol"},
    {"lie-inference", "answers inference tasks with made-up results"},
    {"double-vote", "signs two votes for one epoch and shows each to half of its peers"},
    {"silent", "receives but never sends"},
};

class Honest : public Behaviour {};

// Saves the work: answers every inference with bytes of its own making and a transcript root to
// match nothing.
class LieInference : public Behaviour {
 public:
  bool incoming(env::Env&, env::Event& event) override {
    auto* job = std::get_if<env::JobDone>(&event);
    if (!job || job->cookie.kind == kCookieAudit) return true;
    auto result = gpu::InferenceResult::decode(job->result.output.view());
    if (!result) return true;
    for (std::uint8_t& byte : result->output) byte = 'z';
    result->transcript_root = sha256(result->output);
    job->result.output = Buffer(result->encode());
    return true;
  }
};

// Signs a second vote for the same epoch and shows it to every other peer.
class DoubleVote : public Behaviour {
 public:
  explicit DoubleVote(const ChainNode& node) : node_(node) {}

  bool outgoing(env::PeerId peer, Buffer& payload) override {
    if (peer.value % 2 == 0) return true;
    env::Memo nothing_shared(false);
    const std::string& chain_id = node_.chain().params().id;
    auto message = decode_message(payload.view(), chain_id, nothing_shared);
    auto* votes = message ? std::get_if<Votes>(&*message) : nullptr;
    if (!votes) return true;
    bool changed = false;
    for (Vote& vote : votes->votes) {
      if (vote.validator != node_.config().key.public_key()) continue;
      const BlockNode* target = node_.chain().tree().find(vote.target.block);
      if (!target || !target->parent || target->hash() == vote.source.block) continue;
      vote.target.block = target->parent->hash();
      sign(chain_id, vote, node_.config().key);
      changed = true;
    }
    if (changed) payload = encode_message(*message);
    return true;
  }

 private:
  const ChainNode& node_;
};

// Hears everything, says nothing.
class Silent : public Behaviour {
 public:
  bool outgoing(env::PeerId, Buffer&) override { return false; }
};

}  // namespace

std::span<const BehaviourInfo> behaviours() { return kBehaviours; }

Result<std::unique_ptr<Behaviour>> make_behaviour(std::string_view name, const ChainNode& node) {
  if (name == "honest") return std::make_unique<Honest>();
  if (name == "lie-inference") return std::make_unique<LieInference>();
  if (name == "double-vote") return std::make_unique<DoubleVote>(node);
  if (name == "silent") return std::make_unique<Silent>();
  return fail(ErrorCode::kNotFound, "unknown behaviour " + std::string(name));
}

}  // namespace orrery::chain

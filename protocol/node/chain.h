// A node's chain: the block tree with execution, finality, and their life on disk. All parts of a
// node read it; blocks and votes enter here and nowhere else.
//
// Keys of the store: "f" finalised checkpoint · "h/<height>" final block · "n/<height>/<hash>"
// block above it · "i/<hash>" height of a final block · "c/<epoch>" votes behind a justified
// checkpoint.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/env/env.h"
#include "protocol/consensus/block_tree.h"
#include "protocol/consensus/finality.h"
#include "protocol/node/config.h"

namespace orrery::chain {

class Chain {
 public:
  explicit Chain(const NodeConfig& config);

  // Restores what the store holds by executing it again. `restored` says whether there was
  // anything.
  struct Boot {
    bool restored = false;
  };
  Boot boot(env::Env& env);

  enum class Added : std::uint8_t { kNew, kKnown, kOrphan, kEarly, kInvalid };
  // Executes a block on its parent. kOrphan: the parent is unknown; kEarly: its slot is still to
  // come by our clock.
  Added add_block(env::Env& env, const BlockPtr& block);
  // Whether the vote is by a validator, before its signature is worth checking.
  bool may_vote(const Vote& vote) const { return finality_->may_vote(vote, *tree_); }
  // True if the vote was new and is worth passing on. `vote` has a valid signature.
  bool add_vote(env::Env& env, const Vote& vote);
  // Finality becomes durable; call with the Synced event of cookie kind kCookieFinality.
  void on_synced(env::Env& env, const env::Synced& event);

  // Filled by add_block and add_vote; the node drains it after each event.
  struct Changes {
    bool head = false;
    struct Adopted {
      BlockPtr block;
      ResultPtr result;
    };
    std::vector<Adopted> adopted;     // newly canonical, oldest first
    std::vector<BlockPtr> abandoned;  // left the canonical chain
    std::vector<Evidence> evidence;
    std::vector<Checkpoint> justified;
  };
  Changes take_changes();

  const BlockTree& tree() const { return *tree_; }
  const BlockNode& head() const { return tree_->head(); }
  const StateTree& state() const { return head().state(); }
  const Finality& finality() const { return *finality_; }
  std::uint64_t finalized_height() const { return tree_->root().height(); }
  const Network& network() const { return *config_.network; }
  const ChainParams& params() const { return config_.network->params; }

  std::uint64_t slot(const env::Env& env) const;
  std::uint64_t epoch(const env::Env& env) const;

  // The canonical block at a height: from the tree, else from disk. Nothing above the head.
  BlockPtr block_at(env::Env& env, std::uint64_t height) const;
  // Recent hashes first, then ever sparser: what GetBlocks sends.
  std::vector<Hash256> locator() const;
  // Height of the first hash of `locator` that is canonical here; 0 if none.
  std::uint64_t common_height(env::Env& env, const std::vector<Hash256>& locator) const;
  // Stored votes behind justified checkpoints of epochs > since, ascending, at most `limit`.
  std::vector<Vote> justifying_votes(env::Env& env, std::uint64_t since, std::size_t limit) const;
  bool is_canonical(const BlockNode& node) const { return BlockTree::descends(head(), node); }
#ifdef ORRERY_SEEDED_BUGS
  void flip_state_bit_for_test();
#endif

 private:
  ResultPtr execute(env::Env& env, const BlockNode& parent, const BlockPtr& block);
  void absorb(env::Env& env, Finality::Outcome outcome);
  void finalize(env::Env& env, const Checkpoint& checkpoint);
  void note_head_change(env::Env& env, const std::vector<BlockPtr>& old_branch);
  std::vector<BlockPtr> branch() const;  // head first, down to the root
  void store_certificate(env::Env& env, const Checkpoint& target);
  void note_damage(env::Env& env, std::string_view what) const;

  NodeConfig config_;
  std::optional<BlockTree> tree_;
  std::optional<Finality> finality_;
  Changes changes_;
  bool restoring_ = false;
  std::uint64_t durable_height_ = 0;  // acknowledged as final and on disk
};

// Cookie kinds of the node's parts.
inline constexpr std::uint32_t kCookieFinality = 1;
inline constexpr std::uint32_t kCookieVote = 2;
inline constexpr std::uint32_t kCookieBlock = 3;
inline constexpr std::uint32_t kCookieEpoch = 4;
inline constexpr std::uint32_t kCookieSlot = 5;
inline constexpr std::uint32_t kCookieFlush = 6;
inline constexpr std::uint32_t kCookieHeartbeat = 7;
inline constexpr std::uint32_t kCookieWork = 8;
inline constexpr std::uint32_t kCookieAudit = 9;
inline constexpr std::uint32_t kCookieBackground = 10;
inline constexpr std::uint32_t kCookieVoteFlush = 11;

}  // namespace orrery::chain

// Places where a node does something rare but legal if its world asks for it ("buggify points", as
// FoundationDB calls them): what loss, load or an unlucky schedule would bring about once in a
// million runs. A rule of the chain is never broken at one, and nothing depends on what a world
// answers: without a world that asks, none of them is ever taken. Swarms count those that were.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/env/env.h"

namespace orrery::chain {

struct RarePoint {
  std::string_view name;
  std::string_view about;  // what then happens
  constexpr std::uint64_t id() const { return stream_id(name); }
};

inline constexpr RarePoint kSkipSlot{"producer.skip-slot", "a slot that was won is let pass"};
inline constexpr RarePoint kEmptyBlock{"producer.empty-block", "a block carries no transaction"};
inline constexpr RarePoint kAbstain{"voter.abstain", "no vote in this epoch"};
inline constexpr RarePoint kVoteLate{"voter.late", "the next vote comes a slot late"};
inline constexpr RarePoint kAuditMore{"auditor.audit-more",
                                      "a result is audited outside the sample"};
inline constexpr RarePoint kWorkerWaits{"worker.wait",
                                        "what a task asks for is sent with the next block"};
inline constexpr RarePoint kRefuse{"wallet.refuse",
                                   "the node's own pool refuses, as if it were full"};
inline constexpr RarePoint kKeepStale{"mempool.keep-stale",
                                      "the pool keeps for a block what can no longer be included"};
inline constexpr RarePoint kFewVotes{"sync.few-votes", "a peer that asks gets few of the votes"};
inline constexpr RarePoint kOlderBlocks{"sync.older-blocks",
                                        "a peer that asks gets blocks that it has"};

inline constexpr RarePoint kRarePoints[] = {kSkipSlot,  kEmptyBlock,  kAbstain, kVoteLate,
                                            kAuditMore, kWorkerWaits, kRefuse,  kKeepStale,
                                            kFewVotes,  kOlderBlocks};

inline bool rare(env::Env& env, const RarePoint& point) { return env.random.rare(point.id()); }

}  // namespace orrery::chain

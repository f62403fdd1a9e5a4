// The `chain` part of the table: one key for each member of ChainParams. A unit that is part of a
// member's name (_ppm, _percent) is left out of the key, because the value carries it.
#include "scenarios/schema/fields.h"

namespace orrery::scenario {
namespace {

using chain::ChainParams;
using chain::ConsensusParams;
using chain::FeeParams;
using chain::MempoolParams;
using chain::NetworkParams;
using chain::RewardParams;
using chain::StakeParams;
using chain::TokenParams;
using chain::WorkParams;

constexpr i128 kWhole = 1'000'000;  // 100 % in ppm
constexpr i128 kSecond = 1'000'000'000;

const Section& token_section() {
  static const Section section = [] {
    SectionBuilder<TokenParams> b("token", "The coin and how its supply is divided at genesis.");
    using T = TokenParams;
    b.add<&T::symbol>({"symbol", Type::kSymbol, "Currency code written behind every amount."});
    b.add<&T::decimals>({.name = "decimals",
                         .type = Type::kCount,
                         .meaning = "Digits after the point of the smallest amount.",
                         .min = 3,
                         .max = 18});
    b.add<&T::supply>({.name = "supply",
                       .type = Type::kMoney,
                       .meaning = "All money there will ever be.",
                       .min = 1});
    b.add<&T::rewards_percent>({.name = "rewards",
                                .type = Type::kPercent,
                                .meaning = "Share of the pool that pays blocks.",
                                .max = 100});
    b.add<&T::team_percent>({.name = "team",
                             .type = Type::kPercent,
                             .meaning = "Share of the team, released over team_vesting.",
                             .max = 100});
    b.add<&T::ecosystem_percent>({.name = "ecosystem",
                                  .type = Type::kPercent,
                                  .meaning = "Share of the pool that pays bonuses and grants.",
                                  .max = 100});
    b.add<&T::sale_percent>(
        {.name = "sale",
         .type = Type::kPercent,
         .meaning = "Share sold at genesis: stakes and balances of groups come out of it.",
         .max = 100});
    b.add<&T::reserve_percent>(
        {.name = "reserve", .type = Type::kPercent, .meaning = "Share held back.", .max = 100});
    b.add<&T::team_vesting>({.name = "team_vesting",
                             .type = Type::kDuration,
                             .meaning = "Time over which the team's share becomes liquid.",
                             .min = kSecond});
    return b.take();
  }();
  return section;
}

const Section& rewards_section() {
  static const Section section = [] {
    SectionBuilder<RewardParams> b("rewards", "What a block pays and to whom.");
    using T = RewardParams;
    b.add<&T::emission_ppb>(
        {.name = "emission",
         .type = Type::kPpb,
         .meaning = "Part of what is left in the rewards pool that each block pays out.",
         .max = 1'000'000'000});
    b.add<&T::producer_weight>({.name = "producer_weight",
                                .type = Type::kCount,
                                .meaning = "Weight of the block's producer in the split.",
                                .max = kWhole});
    b.add<&T::models_weight>(
        {.name = "models_weight",
         .type = Type::kCount,
         .meaning = "Weight of the owners of the models that worked in the block.",
         .max = kWhole});
    b.add<&T::fund_weight>({.name = "fund_weight",
                            .type = Type::kCount,
                            .meaning = "Weight of the network fund.",
                            .max = kWhole});
    b.add<&T::treasury_weight>({.name = "treasury_weight",
                                .type = Type::kCount,
                                .meaning = "Weight of the treasury.",
                                .max = kWhole});
    return b.take();
  }();
  return section;
}

const Section& fees_section() {
  static const Section section = [] {
    SectionBuilder<FeeParams> b("fees", "What users pay.");
    b.add<&FeeParams::base_fee>({"base_fee", Type::kMoney, "Least fee of a transaction."});
    b.add<&FeeParams::price_per_1000_tokens>(
        {"price_per_1000_tokens", Type::kMoney, "Price of a thousand generated tokens."});
    return b.take();
  }();
  return section;
}

const Section& stake_section() {
  static const Section section = [] {
    SectionBuilder<StakeParams> b("stake", "Bonds and what is cut from them.");
    using T = StakeParams;
    b.add<&T::minimum>({"minimum", Type::kMoney, "Least bond of a validator or miner."});
    b.add<&T::unbonding_blocks>(
        {"unbonding_blocks", Type::kCount, "Blocks until unbonded money is liquid."});
    b.add<&T::slash_wrong_inference_ppm>(
        {.name = "slash_wrong_inference",
         .type = Type::kPpm,
         .meaning = "Part of the bond cut for a proven wrong result.",
         .max = kWhole});
    b.add<&T::slash_equivocation_ppm>(
        {.name = "slash_equivocation",
         .type = Type::kPpm,
         .meaning = "Part of the bond cut for signing two conflicting messages.",
         .max = kWhole});
    b.add<&T::slash_lost_challenge_ppm>(
        {.name = "slash_lost_challenge",
         .type = Type::kPpm,
         .meaning = "Part of the bond cut from a challenger who was wrong.",
         .max = kWhole});
    b.add<&T::challenger_share_ppm>(
        {.name = "challenger_share",
         .type = Type::kPpm,
         .meaning = "Part of a cut that goes to the challenger; the rest is burnt.",
         .max = kWhole});
    return b.take();
  }();
  return section;
}

const Section& consensus_section() {
  static const Section section = [] {
    SectionBuilder<ConsensusParams> b("consensus", "Slots, blocks and finality.");
    using T = ConsensusParams;
    b.add<&T::slot>({.name = "slot",
                     .type = Type::kDuration,
                     .meaning = "Length of a slot.",
                     .min = 1'000'000,
                     .max = 3600 * kSecond});
    b.add<&T::block_interval>({.name = "block_interval",
                               .type = Type::kDuration,
                               .meaning = "Mean time between blocks that the target steers to.",
                               .min = 1'000'000,
                               .max = 86400 * kSecond});
    b.add<&T::tie_rule>({.name = "tie_rule",
                         .type = Type::kChoice,
                         .meaning = "Which of two equally heavy branches to follow.",
                         .choices = {"first-seen", "uniform"}});
    b.add<&T::finality>({.name = "finality",
                         .type = Type::kChoice,
                         .meaning = "Checkpoint votes, or none: a pure longest-chain lottery.",
                         .choices = {"checkpoint", "none"}});
    b.add<&T::epoch_slots>({.name = "epoch_slots",
                            .type = Type::kCount,
                            .meaning = "Slots between two checkpoint votes.",
                            .min = 1});
    b.add<&T::vote_delay>({.name = "vote_delay",
                           .type = Type::kDuration,
                           .meaning = "Wait behind an epoch's boundary for its blocks to spread.",
                           .max = 3600 * kSecond});
    b.add<&T::floor_weight_per_1000_tokens>(
        {"floor_weight_per_1000_tokens", Type::kCount,
         "Lottery weight that a bond of a thousand coins has without any work."});
    b.add<&T::retarget_window>({.name = "retarget_window",
                                .type = Type::kCount,
                                .meaning = "Blocks over which the target adapts.",
                                .min = 1});
    b.add<&T::max_block_bytes>({.name = "max_block_bytes",
                                .type = Type::kSize,
                                .meaning = "Largest encoded block.",
                                .min = 1'000});
    b.add<&T::max_block_transactions>({.name = "max_block_transactions",
                                       .type = Type::kCount,
                                       .meaning = "Most transactions in a block.",
                                       .min = 1});
    b.add<&T::max_block_gas>({.name = "max_block_gas",
                              .type = Type::kCount,
                              .meaning = "Most gas in a block.",
                              .min = 1});
    return b.take();
  }();
  return section;
}

const Section& work_section() {
  static const Section section = [] {
    SectionBuilder<WorkParams> b("work",
                                 "Inference tasks: deadlines, audits, credits and bonuses.");
    using T = WorkParams;
    b.add<&T::replicas>({.name = "replicas",
                         .type = Type::kCount,
                         .meaning = "Workers that each task is given to.",
                         .min = 1,
                         .max = 5});
    b.add<&T::commit_blocks>({.name = "commit_blocks",
                              .type = Type::kCount,
                              .meaning = "Blocks from assignment to commitment.",
                              .min = 1});
    b.add<&T::reveal_blocks>({.name = "reveal_blocks",
                              .type = Type::kCount,
                              .meaning = "Blocks from commitment to reveal.",
                              .min = 1});
    b.add<&T::challenge_blocks>({.name = "challenge_blocks",
                                 .type = Type::kCount,
                                 .meaning = "Blocks in which a revealed result can be challenged.",
                                 .min = 1});
    b.add<&T::verdict_blocks>({.name = "verdict_blocks",
                               .type = Type::kCount,
                               .meaning = "Blocks within which a challenge is decided.",
                               .min = 1});
    b.add<&T::queue_blocks>(
        {.name = "queue_blocks",
         .type = Type::kCount,
         .meaning = "Blocks that a request may wait for a worker before it is refunded.",
         .min = 1});
    b.add<&T::ageing_blocks>(
        {.name = "ageing_blocks",
         .type = Type::kCount,
         .meaning = "Blocks of waiting that lift a request by one priority class.",
         .min = 1});
    b.add<&T::max_assignments_per_block>({.name = "max_assignments_per_block",
                                          .type = Type::kCount,
                                          .meaning = "Most tasks assigned by one block.",
                                          .min = 1});
    b.add<&T::max_open_per_worker>({.name = "max_open_per_worker",
                                    .type = Type::kCount,
                                    .meaning = "Most tasks that one worker holds at a time.",
                                    .min = 1});
    b.add<&T::audit_ppm>({.name = "audit",
                          .type = Type::kPpm,
                          .meaning = "Part of the results that each validator executes again.",
                          .max = kWhole});
    b.add<&T::audit_all_above>(
        {"audit_all_above", Type::kMoney, "Results worth more are always executed again."});
    b.add<&T::max_prompt_bytes>(
        {.name = "max_prompt_bytes", .type = Type::kSize, .meaning = "Longest prompt.", .min = 1});
    b.add<&T::max_output_tokens>({.name = "max_output_tokens",
                                  .type = Type::kCount,
                                  .meaning = "Most tokens of one answer.",
                                  .min = 1});
    b.add<&T::block_work>(
        {"block_work", Type::kCount, "Least work units of proofs that a block carries."});
    b.add<&T::background_tokens>({.name = "background_tokens",
                                  .type = Type::kCount,
                                  .meaning = "Tokens generated by one background task.",
                                  .min = 1});
    b.add<&T::credit_blocks>({.name = "credit_blocks",
                              .type = Type::kCount,
                              .meaning = "Blocks until work credits expire.",
                              .min = 1});
    b.add<&T::credit_unit>({.name = "credit_unit",
                            .type = Type::kCount,
                            .meaning = "Work units that make one unit of lottery weight.",
                            .min = 1});
    b.add<&T::credit_cap_per_1000_tokens>(
        {"credit_cap_per_1000_tokens", Type::kCount,
         "Most lottery weight from credits that a bond of a thousand coins allows."});
    b.add<&T::quality_bonus_ppm>({.name = "quality_bonus",
                                  .type = Type::kPpm,
                                  .meaning = "Bonus on the charge when two or more replicas agree.",
                                  .max = kWhole});
    b.add<&T::speed_bonus_ppm>({.name = "speed_bonus",
                                .type = Type::kPpm,
                                .meaning = "Bonus on the charge for a reveal within speed_blocks.",
                                .max = kWhole});
    b.add<&T::speed_blocks>({"speed_blocks", Type::kCount,
                             "Blocks from assignment within which a reveal counts as fast."});
    b.add<&T::availability_bonus_ppm>(
        {.name = "availability_bonus",
         .type = Type::kPpm,
         .meaning = "Bonus on the charge for a worker that has missed nothing.",
         .max = kWhole});
    return b.take();
  }();
  return section;
}

const Section& mempool_section() {
  static const Section section = [] {
    SectionBuilder<MempoolParams> b("mempool", "Bounds of the pool of waiting transactions.");
    b.add<&MempoolParams::max_transactions>({.name = "max_transactions",
                                             .type = Type::kCount,
                                             .meaning = "Most waiting transactions.",
                                             .min = 1});
    b.add<&MempoolParams::max_per_sender>({.name = "max_per_sender",
                                           .type = Type::kCount,
                                           .meaning = "Most waiting transactions of one account.",
                                           .min = 1});
    return b.take();
  }();
  return section;
}

// A node keeps one bit for each of its peers beside every id (protocol/node/known_ids.h).
constexpr i128 kMaxPeers = 64;

const Section& peers_section() {
  static const Section section = [] {
    SectionBuilder<NetworkParams> b(
        "network", "How nodes keep peers; the links themselves are the top-level network.");
    using T = NetworkParams;
    b.add<&T::target_peers>({.name = "target_peers",
                             .type = Type::kCount,
                             .meaning = "Connections that a node tries to hold.",
                             .min = 1});
    b.add<&T::max_peers>({.name = "max_peers",
                          .type = Type::kCount,
                          .meaning = "Connections that a node holds at most.",
                          .min = 1,
                          .max = kMaxPeers});
    b.add<&T::peer_messages_per_second>({.name = "peer_messages_per_second",
                                         .type = Type::kCount,
                                         .meaning = "Messages above which a peer loses score.",
                                         .min = 1});
    b.add<&T::heartbeat>({.name = "heartbeat",
                          .type = Type::kDuration,
                          .meaning = "Time between two signs of life.",
                          .min = 1'000'000});
    return b.take();
  }();
  return section;
}

}  // namespace

const Section& chain_section() {
  static const Section section = [] {
    SectionBuilder<ChainParams> b(
        "chain", "Parameters of the chain; what is not given keeps the preset's value.");
    using T = ChainParams;
    // The token comes first: amounts further down are read in its symbol and decimals.
    b.add_section<&T::token>({.name = "token", .meaning = token_section().meaning},
                             token_section());
    b.add<&T::preset>({.name = "preset",
                       .type = Type::kChoice,
                       .meaning = "Set of parameters to start from.",
                       .choices = {"aigen"}});
    b.add<&T::id>({"id", Type::kName, "Chain id, part of every signed message."});
    b.add_section<&T::rewards>({.name = "rewards", .meaning = rewards_section().meaning},
                               rewards_section());
    b.add_section<&T::fees>({.name = "fees", .meaning = fees_section().meaning}, fees_section());
    b.add_section<&T::stake>({.name = "stake", .meaning = stake_section().meaning},
                             stake_section());
    b.add_section<&T::consensus>({.name = "consensus", .meaning = consensus_section().meaning},
                                 consensus_section());
    b.add_section<&T::work>({.name = "work", .meaning = work_section().meaning}, work_section());
    b.add_section<&T::mempool>({.name = "mempool", .meaning = mempool_section().meaning},
                               mempool_section());
    b.add_section<&T::network>({.name = "network", .meaning = peers_section().meaning},
                               peers_section());
    return b.take();
  }();
  return section;
}

}  // namespace orrery::scenario

#include "protocol/consensus/evidence.h"

#include <algorithm>

#include "protocol/ledger/accounts.h"
#include "protocol/ledger/staking.h"

namespace orrery::chain {
namespace {

// One offence is one validator and the higher of the two target epochs.
std::string punished_path(const Evidence& e) {
  const std::uint64_t epoch = std::max(e.first.target.epoch, e.second.target.epoch);
  return "/evidence/" + address_of(e.first.validator).hex() + "/" + height_key(epoch);
}

Status apply(ExecContext& ctx, const Block& block) {
  if (block.evidence.size() > kMaxBlockEvidence) {
    return fail(ErrorCode::kRefused, "too much evidence in a block");
  }
  for (const Evidence& e : block.evidence) {
    TRY(check_evidence(ctx.params, e));
    if (!evidence_is_new(ctx.state, ctx.height(), e)) {
      return fail(ErrorCode::kRefused, "the offence is punished or nothing is bonded");
    }
    set_number(ctx.state, punished_path(e), 1);
    const bool surround = equivocation(e.first, e.second) == Equivocation::kSurround;
    const bool other = has_bug(ctx.params.seeded_bug, SeededBug::kSlashProposer);
    slash(ctx, {.who = other ? ctx.proposer : address_of(e.first.validator),
                .ppm = ctx.params.stake.slash_equivocation_ppm,
                .cause = surround ? SlashCause::kSurroundVote : SlashCause::kDoubleVote,
                .subject = vote_id(ctx.params.id, e.second),
                .winner = ctx.proposer});
  }
  return {};
}

}  // namespace

Status check_evidence(const ChainParams& params, const Evidence& e) {
  if (equivocation(e.first, e.second) == Equivocation::kNone) {
    return fail(ErrorCode::kRefused, "the two votes do not conflict");
  }
  if (!check_signature(params.id, e.first) || !check_signature(params.id, e.second)) {
    return fail(ErrorCode::kRefused, "a vote of the evidence is not signed by the validator");
  }
  return {};
}

bool evidence_is_new(const StateTree& state, std::uint64_t height, const Evidence& e) {
  return number_at(state, punished_path(e)) == 0 &&
         slashable(state, height, address_of(e.first.validator)) > 0;
}

Module evidence_module() {
  return {.name = "evidence",
          .state_paths = {"/evidence/"},
          .invariants = {"honest-never-equivocates"},
          .body = apply};
}

}  // namespace orrery::chain

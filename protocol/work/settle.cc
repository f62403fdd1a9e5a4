#include "protocol/work/settle.h"

#include <algorithm>

#include "protocol/consensus/lottery.h"
#include "protocol/ledger/accounts.h"
#include "protocol/ledger/staking.h"
#include "protocol/models/registry.h"

namespace orrery::chain {
namespace {

void reward(ExecContext& ctx, const Hash256& task, const Address& who, RewardRole role,
            Amount amount) {
  if (amount == 0) return;
  ctx.emit({.kind = ChainEventKind::kReward,
            .subject = task,
            .who = who,
            .amount = amount,
            .number = static_cast<std::uint64_t>(role)});
}

// A7: bonuses are parts per million of what the worker earned, out of the ecosystem pool while it
// lasts.
void pay_bonuses(ExecContext& ctx, const Task& task, const Assignment& a, Amount earned,
                 bool agreed) {
  const WorkParams& work = ctx.params.work;
  const auto record = stake_record(ctx.state, a.worker);
  const std::pair<RewardRole, std::uint32_t> bonuses[] = {
      {RewardRole::kQualityBonus, agreed ? work.quality_bonus_ppm : 0},
      {RewardRole::kSpeedBonus,
       a.reveal->height - a.height <= work.speed_blocks ? work.speed_bonus_ppm : 0},
      {RewardRole::kAvailabilityBonus,
       record && record->missed == 0 ? work.availability_bonus_ppm : 0}};
  for (const auto& [role, ppm] : bonuses) {
    const Amount amount = mul_div_floor(earned, ppm, 1'000'000);
    if (move_money(ctx.state, pool_path(kEcosystemPool), balance_path(a.worker), amount)) {
      reward(ctx, task.id, a.worker, role, amount);
    }
  }
}

void free_workers(ExecContext& ctx, const Task& task) {
  if (task.kind == TaskKind::kBackground) return;
  for (const Assignment& a : task.assignments) {
    auto record = stake_record(ctx.state, a.worker);
    if (!record || record->open == 0) continue;
    --record->open;
    set_stake_record(ctx.state, a.worker, *record);
  }
}

void end_task(ExecContext& ctx, Task& task, TaskState end) {
  free_workers(ctx, task);
  task.state = end;
  task.due = 0;
  task.prompt.clear();
  task.verdicts.clear();
  store_task(ctx.state, task);
}

Amount refund_escrow(ExecContext& ctx, const Task& task) {
  Amount left = amount_at(ctx.state, escrow_path(task.id));
  if (has_bug(ctx.params.seeded_bug, SeededBug::kShortRefund) && left > 0) --left;
  must_move_money(ctx.state, escrow_path(task.id), balance_path(task.requester), left);
  return left;
}

}  // namespace

void settle_task(ExecContext& ctx, Task& task, const Hash256& result) {
  std::vector<const Assignment*> right;
  for (const Assignment& a : task.assignments) {
    if (a.reveal && a.reveal->result == result) right.push_back(&a);
  }
  ENSURE(!right.empty(), "a settled task has a worker that was right");
  std::sort(right.begin(), right.end(),
            [](const Assignment* a, const Assignment* b) { return a->worker < b->worker; });
  const Reveal& reveal = *right[0]->reveal;
  const bool background = task.kind == TaskKind::kBackground;
  const Amount escrow = amount_at(ctx.state, escrow_path(task.id));
  const Amount charge =
      background ? 0 : std::min(escrow, charge_for(ctx.params.fees, reveal.tokens));
  const bool agreed = right.size() >= 2 && right.size() == task.assignments.size();
  const bool stray = has_bug(ctx.params.seeded_bug, SeededBug::kPayUnassigned);
  for (std::size_t i = 0; i < right.size(); ++i) {
    // Largest remainder over equal shares: the first `charge mod n` by address get one unit more.
    const Amount share = charge / right.size() + (i < charge % right.size() ? 1 : 0);
    const Address payee = stray ? ctx.proposer : right[i]->worker;
    must_move_money(ctx.state, escrow_path(task.id), balance_path(payee), share);
    reward(ctx, task.id, payee, RewardRole::kWorker, share);
    pay_bonuses(ctx, task, *right[i], share, agreed);
    add_credits(ctx, right[i]->worker, right[i]->reveal->work);
  }
  if (!background) refund_escrow(ctx, task);
  if (const auto model = model_record(ctx.state, task.model)) {
    ctx.tokens_served[model->owner] += reveal.tokens;
  }
  ctx.emit({.kind = ChainEventKind::kTaskSettled,
            .subject = task.id,
            .who = right[0]->worker,
            .amount = charge,
            .number = reveal.tokens});
  if (has_bug(ctx.params.seeded_bug, SeededBug::kSlashHonest)) {
    slash(ctx, {.who = right[0]->worker,
                .ppm = ctx.params.stake.slash_wrong_inference_ppm,
                .cause = SlashCause::kWrongInference,
                .subject = task.id,
                .winner = std::nullopt});
  }
  if (has_bug(ctx.params.seeded_bug, SeededBug::kDoubleSettle)) {
    ctx.emit({.kind = ChainEventKind::kTaskSettled, .subject = task.id, .who = right[0]->worker});
  }
  end_task(ctx, task, TaskState::kSettled);
}

void refund_task(ExecContext& ctx, Task& task, TaskState end) {
  Amount refund = 0;
  const bool forget = has_bug(ctx.params.seeded_bug, SeededBug::kForgetEscrow);
  if (task.kind != TaskKind::kBackground && !forget) refund = refund_escrow(ctx, task);
  ctx.emit({.kind = end == TaskState::kSlashed ? ChainEventKind::kTaskSlashed
                                               : ChainEventKind::kTaskRefunded,
            .subject = task.id,
            .who = task.requester,
            .amount = refund});
  end_task(ctx, task, end);
}

void decide_task(ExecContext& ctx, Task& task, const Hash256& result) {
  bool any_right = false;
  bool any_wrong = false;
  const bool accept = has_bug(ctx.params.seeded_bug, SeededBug::kAcceptWrongInference);
  for (const Assignment& a : task.assignments) {
    if (!a.reveal) continue;
    if (a.reveal->result == result) {
      any_right = true;
      continue;
    }
    any_wrong = true;
    if (accept) continue;
    const bool other = has_bug(ctx.params.seeded_bug, SeededBug::kSlashProposer);
    slash(ctx, {.who = other ? ctx.proposer : a.worker,
                .ppm = ctx.params.stake.slash_wrong_inference_ppm,
                .cause = SlashCause::kWrongInference,
                .subject = task.id,
                .winner = task.challenger});
  }
  if (!any_wrong && task.challenger) {
    slash(ctx, {.who = *task.challenger,
                .ppm = ctx.params.stake.slash_lost_challenge_ppm,
                .cause = SlashCause::kLostChallenge,
                .subject = task.id,
                .winner = std::nullopt});
  }
  if (any_right) {
    settle_task(ctx, task, result);
  } else if (accept && any_wrong) {
    settle_task(ctx, task, task.assignments[0].reveal->result);
  } else {
    refund_task(ctx, task, TaskState::kSlashed);
  }
}

}  // namespace orrery::chain

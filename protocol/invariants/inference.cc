// Inference work (A): escrow, life of a task, pay.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/invariants/catalogue.h"
#include "protocol/ledger/accounts.h"
#include "protocol/types/trace_kinds.h"

namespace orrery::chain {
namespace {

bool ends_task(ChainEventKind kind) {
  return kind == ChainEventKind::kTaskSettled || kind == ChainEventKind::kTaskRefunded ||
         kind == ChainEventKind::kTaskSlashed;
}

bool about_task(ChainEventKind kind) {
  return kind >= ChainEventKind::kTaskRequested && kind <= ChainEventKind::kTaskSlashed;
}

// Tasks that a block's events touch.
std::set<Hash256> touched(const BlockNode& block) {
  std::set<Hash256> ids;
  for (const ChainEvent& e : block.result->events) {
    if (about_task(e.kind)) ids.insert(e.subject);
  }
  return ids;
}

class EscrowMatches final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "escrow-matches-open-tasks"; }
  std::string_view about() const override {
    return "An open task has its full fee in escrow, an ended one has none (E7, M-7).";
  }
  void on_block(Time now, const BlockNode& block) override {
    for (const Hash256& id : touched(block)) {
      const auto task = find_task(block.state(), id);
      if (!task) continue;
      Amount expected = 0;
      if (!is_ended(task->state) && task->kind != TaskKind::kBackground) {
        const auto sampling = gpu::SamplingParams::decode(task->params);
        expected = sampling ? charge_for(params().fees, sampling->max_tokens) : 0;
      }
      const Amount held = amount_at(block.state(), escrow_path(id));
      check(held == expected, now, [&] {
        return fmt::format("height {}: task {} is {} and has {} in escrow, expected {}",
                           block.height(), to_hex(id), to_string(task->state), to_decimal(held),
                           to_decimal(expected));
      });
    }
  }
};

// The legal life of a task (T-1), event by event.
class TaskAutomaton final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "task-automaton"; }
  std::string_view about() const override {
    return "Tasks move only requested, queued, assigned, committed, revealed (challenged) to an "
           "end (A7).";
  }
  void on_block(Time now, const BlockNode& block) override {
    std::map<Hash256, std::optional<TaskState>> states;
    for (const ChainEvent& e : block.result->events) {
      if (!about_task(e.kind)) continue;
      auto it = states.find(e.subject);
      if (it == states.end()) {
        const auto before = find_task(block.parent->state(), e.subject);
        it = states.emplace(e.subject, before ? std::optional(before->state) : std::nullopt).first;
      }
      const bool legal = step(it->second, e.kind);
      check(legal, now, [&] {
        return fmt::format("height {}: task {} was {} when event {} came", block.height(),
                           to_hex(e.subject), it->second ? to_string(*it->second) : "unknown",
                           static_cast<int>(e.kind));
      });
    }
  }

 private:
  // Whether `kind` may come in `state`; moves the state. With several replicas, single commits and
  // reveals leave it where it is until the last: so an earlier state is allowed beside its
  // successor.
  static bool step(std::optional<TaskState>& state, ChainEventKind kind) {
    using K = ChainEventKind;
    using S = TaskState;
    const auto in = [&](std::initializer_list<S> allowed) {
      return state && std::find(allowed.begin(), allowed.end(), *state) != allowed.end();
    };
    bool legal = false;
    switch (kind) {
      case K::kTaskRequested:
        legal = !state;
        state = S::kQueued;
        return legal;
      case K::kTaskAssigned:
        legal = in({S::kQueued, S::kAssigned, S::kCommitted});
        // Back on the queue after a missed deadline, within one block.
        state = S::kAssigned;
        return legal;
      case K::kTaskUnassigned:
        return in({S::kAssigned, S::kCommitted});
      case K::kTaskCommitted:
        legal = in({S::kAssigned});
        return legal;
      case K::kTaskRevealed:
        legal = !state || in({S::kAssigned, S::kCommitted, S::kRevealed});
        state = S::kRevealed;
        return legal;
      case K::kTaskChallenged:
        legal = in({S::kRevealed, S::kCommitted});
        state = S::kChallenged;
        return legal;
      case K::kTaskVerdict:
        return in({S::kChallenged});
      case K::kTaskSettled:
        legal = in({S::kRevealed, S::kChallenged, S::kCommitted});
        state = S::kSettled;
        return legal;
      case K::kTaskRefunded:
        legal = in({S::kQueued, S::kAssigned, S::kCommitted, S::kChallenged});
        state = S::kRefunded;
        return legal;
      case K::kTaskSlashed:
        legal = in({S::kChallenged});
        state = S::kSlashed;
        return legal;
      default:
        return true;
    }
  }
};

class TaskSettlesOnce final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "task-settles-once"; }
  std::string_view about() const override {
    return "A task ends once: settled, refunded or slashed, never two of them (E8).";
  }
  void on_block(Time now, const BlockNode& block) override {
    std::map<Hash256, int> ends;
    for (const ChainEvent& e : block.result->events) {
      if (!ends_task(e.kind)) continue;
      const auto before = find_task(block.parent->state(), e.subject);
      const bool open = !before || !is_ended(before->state);
      check(open && ++ends[e.subject] == 1, now, [&] {
        return fmt::format("height {}: task {} ended again", block.height(), to_hex(e.subject));
      });
    }
  }
};

class PayNeedsAssignment final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "pay-needs-assignment"; }
  std::string_view about() const override {
    return "Only a worker that was assigned and revealed is paid for a task (A5, A9).";
  }
  void on_block(Time now, const BlockNode& block) override {
    for (const ChainEvent& e : block.result->events) {
      if (e.kind != ChainEventKind::kReward || !is_pay(static_cast<RewardRole>(e.number))) continue;
      auto task = find_task(block.state(), e.subject);
      const Assignment* a = task ? task->assignment(e.who) : nullptr;
      check(a && a->reveal, now, [&] {
        return fmt::format("height {}: {} was paid for task {} without working on it",
                           block.height(), e.who.hex(), to_hex(e.subject));
      });
    }
  }

 private:
  static bool is_pay(RewardRole role) {
    return role == RewardRole::kWorker || role == RewardRole::kQualityBonus ||
           role == RewardRole::kSpeedBonus || role == RewardRole::kAvailabilityBonus;
  }
};

class WrongNeverSettles final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "wrong-inference-never-settles"; }
  std::string_view about() const override {
    return "A challenged result that re-execution refutes is never paid (A1, A3).";
  }
  void on_block(Time now, const BlockNode& block) override {
    for (const ChainEvent& e : block.result->events) {
      if (e.kind != ChainEventKind::kTaskSettled && e.kind != ChainEventKind::kTaskSlashed) {
        continue;
      }
      const auto before = find_task(block.parent->state(), e.subject);
      if (!before || before->state != TaskState::kChallenged) continue;
      const auto truth = observer_.truth(*before);
      if (!truth) continue;
      Task after = *find_task(block.state(), e.subject);
      const Assignment* paid = after.assignment(e.who);
      const bool right = e.kind == ChainEventKind::kTaskSlashed ||
                         (paid && paid->reveal && paid->reveal->result == *truth);
      check(right, now, [&] {
        return fmt::format("height {}: task {} settled on a result that re-execution refutes",
                           block.height(), to_hex(e.subject));
      });
    }
  }
};

class ChallengeWindowKept final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "challenge-window-kept"; }
  std::string_view about() const override {
    return "A result that nobody challenged settles when its challenge window ends, not before "
           "(T-1).";
  }
  void on_block(Time now, const BlockNode& block) override {
    for (const ChainEvent& e : block.result->events) {
      if (e.kind != ChainEventKind::kTaskSettled) continue;
      const auto before = find_task(block.parent->state(), e.subject);
      if (!before || before->state != TaskState::kRevealed) continue;
      std::uint64_t revealed = 0;
      for (const Assignment& a : before->assignments) {
        if (a.reveal) revealed = std::max(revealed, a.reveal->height);
      }
      check(block.height() >= revealed + params().work.challenge_blocks, now, [&] {
        return fmt::format("height {}: task {} settled, though revealed at height {} and open to "
                           "challenges for {} blocks",
                           block.height(), to_hex(e.subject), revealed,
                           params().work.challenge_blocks);
      });
    }
  }
};

class TasksEndInTime final : public BlockChecker {
 public:
  using BlockChecker::BlockChecker;
  std::string_view name() const override { return "tasks-end-in-time"; }
  std::string_view about() const override {
    return "No task waits past the height at which its state times out (T-1, L4).";
  }
  void on_block(Time now, const BlockNode& block) override {
    const auto first = block.state().next("/due/", "/due/");
    const bool overdue =
        first && first->path < "/due/" + height_key(block.height() + 1);
    check(!overdue, now, [&] {
      return fmt::format("height {}: {} is overdue", block.height(), first->path);
    });
  }
};

}  // namespace

void add_inference(check::CheckerSet& set, const Observer& observer) {
  set.add(std::make_unique<EscrowMatches>(observer));
  set.add(std::make_unique<TaskAutomaton>(observer));
  set.add(std::make_unique<TaskSettlesOnce>(observer));
  set.add(std::make_unique<PayNeedsAssignment>(observer));
  set.add(std::make_unique<WrongNeverSettles>(observer), false);  // looks only at challenged tasks
  set.add(std::make_unique<ChallengeWindowKept>(observer), false);  // no task may come so far
  set.add(std::make_unique<TasksEndInTime>(observer));
}

}  // namespace orrery::chain

// The life of a task, in blocks (T-1 to T-6, M-3, M-7).
#include "protocol/work/task.h"

#include <functional>

#include "protocol/ledger/staking.h"
#include "protocol/work/schedule.h"
#include "protocol/work/tasks.h"
#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::key;
using test::TestChain;

gpu::InferenceResult answer(std::string_view text, std::uint32_t tokens = 10) {
  gpu::InferenceResult r;
  r.output.assign(text.begin(), text.end());
  r.prompt_tokens = 3;
  r.generated_tokens = tokens;
  r.transcript_root = test::digest(text);
  r.work_units = 1'000'000 * std::uint64_t{tokens};
  return r;
}

const Salt kSalt{sha256(as_bytes("salt")).bytes};

class TaskLife : public ::testing::Test {
 protected:
  explicit TaskLife(std::uint32_t replicas = 1) : chain_([&] {
    ChainParams params = test::small_params();
    params.work.replicas = replicas;
    return params;
  }()) {}

  // Puts a request into the next block; the task is assigned in the one after.
  Hash256 request(std::uint32_t max_tokens = 20, Priority priority = Priority::kHigh,
                  const KeyPair& user = key(10)) {
    const Hash256 id =
        task_id(chain_.params.id, addr(user),
                number_at(chain_.state, nonce_path(addr(user))) + asked_[addr(user)]++);
    RequestPayload p{.priority = priority, .model = test::digest("model"), .prompt = {'h', 'i'}};
    p.params = gpu::SamplingParams{.max_tokens = max_tokens}.encode();
    pending_.push_back(chain_.tx(user, kRequestTag, encode(p)));
    return id;
  }
  void grow() {
    chain_.grow(std::exchange(pending_, {}));
    asked_.clear();
  }
  Task task(const Hash256& id) const { return *find_task(chain_.state, id); }
  TaskState state(const Hash256& id) const { return task(id).state; }
  KeyPair key_of(const Address& who) const {
    for (int i = 0; i < 40; ++i) {
      if (addr(key(i)) == who) return key(i);
    }
    ADD_FAILURE() << "an unknown worker";
    return key(0);
  }
  KeyPair worker(const Hash256& id, std::size_t i = 0) const {
    return key_of(task(id).assignments.at(i).worker);
  }
  Hash256 assigned() {
    const Hash256 id = request();
    grow();
    grow();
    EXPECT_EQ(state(id), TaskState::kAssigned);
    return id;
  }
  void commit(const Hash256& id, const KeyPair& who, const gpu::InferenceResult& r) {
    pending_.push_back(chain_.tx(
        who, kCommitTag,
        encode(CommitPayload{id, task(id).sampling_seed,
                             task_commitment(chain_.params.id, id, addr(who), r, kSalt)})));
  }
  void reveal(const Hash256& id, const KeyPair& who, const gpu::InferenceResult& r) {
    pending_.push_back(chain_.tx(who, kRevealTag, encode(RevealPayload{id, kSalt, r.encode()})));
  }
  void claim(PayloadTag tag, const Hash256& id, int who, const gpu::InferenceResult& r) {
    pending_.push_back(
        chain_.tx(key(who), tag, encode(ResultClaim{id, task(id).sampling_seed, r.digest()})));
  }
  // Every assigned worker commits and reveals its answer.
  void work(const Hash256& id, const std::vector<gpu::InferenceResult>& answers) {
    const Task t = task(id);
    for (std::size_t i = 0; i < t.assignments.size(); ++i) {
      commit(id, key_of(t.assignments[i].worker), answers.at(i));
    }
    grow();
    for (std::size_t i = 0; i < t.assignments.size(); ++i) {
      reveal(id, key_of(t.assignments[i].worker), answers.at(i));
    }
    grow();
  }
  bool run_until(const Hash256& id, TaskState wanted) {
    return chain_.grow_until([&] { return state(id) == wanted; });
  }
  std::size_t failed() const { return chain_.count(ChainEventKind::kTransactionFailed); }
  Amount escrow(const Hash256& id) const { return amount_at(chain_.state, escrow_path(id)); }
  void expect_nothing_open(const Hash256& id) {
    EXPECT_EQ(escrow(id), 0u);
    for (const Stake& s : active_stakes(chain_.state, chain_.params)) {
      EXPECT_EQ(s.record.open, 0u);
    }
    EXPECT_TRUE(task(id).prompt.empty());
  }

  TestChain chain_;
  std::vector<TransactionPtr> pending_;
  std::map<Address, std::uint64_t> asked_;
};

class TwoReplicas : public TaskLife {
 protected:
  TwoReplicas() : TaskLife(2) {}
};

TEST_F(TaskLife, FromRequestToSettlementPaysExactlyAndRefundsTheRest) {
  const Amount fee = chain_.params.fees.base_fee;
  const Hash256 id = request(20);
  grow();
  EXPECT_EQ(state(id), TaskState::kQueued);
  EXPECT_EQ(escrow(id), kToken / 50);  // 20 tokens at one token a thousand
  EXPECT_EQ(chain_.balance(key(10)), 100 * kToken - kToken / 50 - fee);
  grow();
  ASSERT_EQ(state(id), TaskState::kAssigned);
  const KeyPair w = worker(id);
  const Amount before = chain_.balance(w);
  commit(id, w, answer("x", 10));
  grow();
  ASSERT_EQ(state(id), TaskState::kCommitted);
  reveal(id, w, answer("x", 10));
  grow();
  ASSERT_EQ(state(id), TaskState::kRevealed);
  const std::uint64_t revealed = chain_.height();
  ASSERT_TRUE(run_until(id, TaskState::kSettled));
  EXPECT_EQ(chain_.height(), revealed + chain_.params.work.challenge_blocks);
  const Amount charge = kToken / 100;
  // Speed 10 % and availability 5 %; quality needs two replicas.
  EXPECT_EQ(chain_.balance(w), before - 2 * fee + charge + charge / 10 + charge / 20);
  EXPECT_EQ(chain_.balance(key(10)), 100 * kToken - fee - charge);
  EXPECT_EQ(chain_.event(ChainEventKind::kTaskSettled)->amount, charge);
  EXPECT_EQ(credits_of(chain_.state, addr(w)), 10'000'000u);
  expect_nothing_open(id);
}

TEST_F(TaskLife, TheModelsOwnerEarnsTheModelShareOnceTokensAreServed) {
  const Hash256 id = assigned();
  EXPECT_EQ(chain_.balance(key(30)), 0u);
  EXPECT_GT(chain_.pool(kModelsCarryPool), 0u);
  work(id, {answer("x")});
  ASSERT_TRUE(run_until(id, TaskState::kSettled));
  EXPECT_GT(chain_.balance(key(30)), 0u);
  EXPECT_EQ(chain_.pool(kModelsCarryPool), 0u);
}

TEST_F(TaskLife, ChargeIsRoundedUpToTheUnit) {
  FeeParams fees;
  fees.price_per_1000_tokens = 1;
  EXPECT_EQ(charge_for(fees, 0), 0u);
  EXPECT_EQ(charge_for(fees, 1), 1u);
  EXPECT_EQ(charge_for(fees, 1000), 1u);
  EXPECT_EQ(charge_for(fees, 1001), 2u);
}

TEST_F(TaskLife, SlowWorkersEarnNoSpeedBonus) {
  const Hash256 id = assigned();
  const KeyPair w = worker(id);
  const Amount before = chain_.balance(w);
  commit(id, w, answer("x"));
  grow();
  for (int i = 0; i < 4; ++i) grow();
  reveal(id, w, answer("x"));
  grow();
  ASSERT_TRUE(run_until(id, TaskState::kSettled));
  const Amount charge = kToken / 100;
  EXPECT_EQ(chain_.balance(w), before - 2 * chain_.params.fees.base_fee + charge + charge / 20);
}

TEST_F(TwoReplicas, ThatAgreeShareTheChargeAndEarnTheQualityBonus) {
  const Hash256 id = assigned();
  ASSERT_EQ(task(id).assignments.size(), 2u);
  const KeyPair a = worker(id, 0), b = worker(id, 1);
  EXPECT_NE(addr(a), addr(b));
  const Amount before_a = chain_.balance(a), before_b = chain_.balance(b);
  work(id, {answer("x", 9), answer("x", 9)});
  ASSERT_EQ(state(id), TaskState::kRevealed);
  ASSERT_TRUE(run_until(id, TaskState::kSettled));
  const Amount half = kToken / 1000 * 9 / 2;
  const Amount earned = half + half / 10 + half / 10 + half / 20 - 2 * chain_.params.fees.base_fee;
  EXPECT_EQ(chain_.balance(a), before_a + earned);
  EXPECT_EQ(chain_.balance(b), before_b + earned);
  expect_nothing_open(id);
}

TEST_F(TwoReplicas, ThatDisagreeAreChallengedAtOnceAndTheWrongOneIsSlashed) {
  const Hash256 id = assigned();
  const KeyPair right = worker(id, 0), wrong = worker(id, 1);
  const Amount bond = chain_.bond(wrong);
  work(id, {answer("x"), answer("lie")});
  ASSERT_EQ(state(id), TaskState::kChallenged);
  EXPECT_FALSE(task(id).challenger.has_value());
  for (int v : {1, 2, 3}) claim(kVerdictTag, id, v, answer("x"));
  grow();
  ASSERT_EQ(state(id), TaskState::kSettled);
  EXPECT_EQ(chain_.bond(wrong), bond - bond / 10);
  EXPECT_EQ(chain_.bond(right), bond);
  EXPECT_EQ(chain_.pool(kBurntPool), bond / 10);  // nobody challenged, all is burnt
  EXPECT_EQ(chain_.event(ChainEventKind::kTaskSettled)->who, addr(right));
  EXPECT_EQ(credits_of(chain_.state, addr(wrong)), 0u);
  expect_nothing_open(id);
}

TEST_F(TwoReplicas, OneThatNeverRevealsIsDroppedAndTheOtherIsPaidAlone) {
  const Hash256 id = assigned();
  const KeyPair good = worker(id, 0), lazy = worker(id, 1);
  commit(id, good, answer("x"));
  commit(id, lazy, answer("x"));
  grow();
  reveal(id, good, answer("x"));
  grow();
  ASSERT_EQ(state(id), TaskState::kCommitted);
  ASSERT_TRUE(run_until(id, TaskState::kSettled));
  EXPECT_EQ(task(id).assignments.size(), 1u);
  EXPECT_EQ(stake_record(chain_.state, addr(lazy))->missed, 1u);
  EXPECT_EQ(stake_record(chain_.state, addr(good))->delivered, 1u);
  expect_nothing_open(id);
}

TEST_F(TaskLife, MissedCommitGoesBackToTheQueueAndIsRefundedInTheEnd) {
  const Hash256 id = assigned();
  const std::uint64_t requested = task(id).requested;
  const Address first = task(id).assignments[0].worker;
  const std::uint64_t seed = task(id).sampling_seed;
  while (chain_.count(ChainEventKind::kTaskUnassigned) == 0) grow();
  EXPECT_EQ(chain_.height(), 2 + chain_.params.work.commit_blocks);
  EXPECT_EQ(state(id), TaskState::kAssigned);  // again, in the same block
  EXPECT_NE(task(id).sampling_seed, seed);
  EXPECT_EQ(stake_record(chain_.state, first)->missed, 1u);
  ASSERT_TRUE(run_until(id, TaskState::kRefunded));
  EXPECT_LE(chain_.height(), requested + chain_.params.work.queue_blocks +
                                 chain_.params.work.commit_blocks);
  EXPECT_EQ(chain_.balance(key(10)), 100 * kToken - chain_.params.fees.base_fee);
  EXPECT_EQ(queued_tasks(chain_.state), 0u);
  expect_nothing_open(id);
}

TEST_F(TaskLife, WithoutWorkersItIsRefundedWhenItsTimeInTheQueueIsOver) {
  Genesis genesis = test::small_genesis();
  std::erase_if(genesis.accounts,
                [](const GenesisAccount& a) { return a.worker && a.key != key(21).public_key(); });
  chain_ = TestChain(test::small_params(), genesis);
  const Hash256 id = request(20, Priority::kHigh, key(21));  // its only worker is the requester
  grow();
  const Amount after_request = chain_.balance(key(21));
  ASSERT_TRUE(run_until(id, TaskState::kRefunded));
  EXPECT_EQ(chain_.height(), 1 + chain_.params.work.queue_blocks);
  EXPECT_EQ(chain_.balance(key(21)), after_request + kToken / 50);
  EXPECT_EQ(task(id).assignments.size(), 0u);
}

TEST_F(TaskLife, AWonChallengeSlashesTheWorkerPaysTheChallengerAndRefundsTheUser) {
  const Hash256 id = assigned();
  const KeyPair liar = worker(id);
  const Amount bond = chain_.bond(liar), challenger = chain_.balance(key(2));
  work(id, {answer("lie")});
  claim(kChallengeTag, id, 2, answer("x"));
  grow();
  ASSERT_EQ(state(id), TaskState::kChallenged);
  claim(kVerdictTag, id, 2, answer("x"));
  claim(kVerdictTag, id, 3, answer("x"));
  grow();
  ASSERT_EQ(state(id), TaskState::kChallenged);  // half of the stake is no verdict
  claim(kVerdictTag, id, 4, answer("x"));
  grow();
  ASSERT_EQ(state(id), TaskState::kSlashed);
  EXPECT_EQ(chain_.bond(liar), bond - bond / 10);
  EXPECT_EQ(chain_.balance(key(2)), challenger + bond / 20 - 2 * chain_.params.fees.base_fee);
  EXPECT_EQ(chain_.pool(kBurntPool), bond / 20);
  EXPECT_EQ(chain_.balance(key(10)), 100 * kToken - chain_.params.fees.base_fee);
  EXPECT_EQ(credits_of(chain_.state, addr(liar)), 0u);
  expect_nothing_open(id);
}

TEST_F(TaskLife, ALostChallengeCostsTheChallengerAndTheWorkerIsPaid) {
  const Hash256 id = assigned();
  const KeyPair w = worker(id);
  const Amount bond = chain_.bond(w);
  work(id, {answer("x")});
  claim(kChallengeTag, id, 2, answer("nonsense"));
  grow();
  for (int v : {1, 3, 4}) claim(kVerdictTag, id, v, answer("x"));
  grow();
  ASSERT_EQ(state(id), TaskState::kSettled);
  EXPECT_EQ(chain_.bond(w), bond);
  EXPECT_EQ(chain_.bond(key(2)), 2'000 * kToken - 40 * kToken);  // 2 %
  EXPECT_EQ(chain_.pool(kBurntPool), 40 * kToken);
  EXPECT_EQ(chain_.event(ChainEventKind::kTaskSettled)->amount, kToken / 100);
  expect_nothing_open(id);
}

TEST_F(TaskLife, AnUndecidedChallengeRefundsTheUserAndBlamesNobody) {
  const Hash256 id = assigned();
  const KeyPair w = worker(id);
  const Amount bond = chain_.bond(w);
  work(id, {answer("x")});
  claim(kChallengeTag, id, 2, answer("y"));
  grow();
  const std::uint64_t challenged = chain_.height();
  claim(kVerdictTag, id, 1, answer("x"));
  claim(kVerdictTag, id, 3, answer("x"));
  claim(kVerdictTag, id, 4, answer("y"));
  grow();
  ASSERT_TRUE(run_until(id, TaskState::kRefunded));
  EXPECT_EQ(chain_.height(), challenged + chain_.params.work.verdict_blocks);
  EXPECT_EQ(chain_.bond(w), bond);
  EXPECT_EQ(chain_.bond(key(2)), 2'000 * kToken);
  EXPECT_EQ(chain_.balance(key(10)), 100 * kToken - chain_.params.fees.base_fee);
  expect_nothing_open(id);
}

TEST_F(TaskLife, ChallengesAndVerdictsOfWrongKindsFail) {
  const Hash256 id = assigned();
  work(id, {answer("x")});
  claim(kChallengeTag, id, 10, answer("y"));  // not a validator
  claim(kChallengeTag, id, 2, answer("x"));   // disputes nothing
  claim(kVerdictTag, id, 2, answer("x"));     // nothing is challenged
  pending_.push_back(
      chain_.tx(key(3), kChallengeTag,
                encode(ResultClaim{id, task(id).sampling_seed + 1, test::digest("")})));
  grow();
  EXPECT_EQ(failed(), 4u);
  claim(kChallengeTag, id, 2, answer("y"));
  claim(kChallengeTag, id, 3, answer("y"));  // the second comes too late
  grow();
  EXPECT_EQ(failed(), 1u);
  claim(kVerdictTag, id, 2, answer("y"));
  claim(kVerdictTag, id, 2, answer("y"));   // judged already
  claim(kVerdictTag, id, 21, answer("y"));  // a worker
  grow();
  EXPECT_EQ(failed(), 2u);
}

TEST_F(TaskLife, AWorkerMayNotChallengeItself) {
  Genesis genesis = test::small_genesis();
  for (GenesisAccount& a : genesis.accounts) a.validator = a.validator || a.worker;
  chain_ = TestChain(test::small_params(), genesis);
  const Hash256 id = assigned();
  const KeyPair w = worker(id);
  work(id, {answer("lie")});
  pending_.push_back(chain_.tx(
      w, kChallengeTag, encode(ResultClaim{id, task(id).sampling_seed, answer("x").digest()})));
  grow();
  EXPECT_EQ(failed(), 1u);
  EXPECT_EQ(state(id), TaskState::kRevealed);
}

TEST_F(TwoReplicas, ACopiedCommitmentDoesNotOpenForAnotherWorker) {
  const Hash256 id = assigned();
  const KeyPair honest = worker(id, 0), copier = worker(id, 1);
  const Hash256 seen = task_commitment(chain_.params.id, id, addr(honest), answer("x"), kSalt);
  commit(id, honest, answer("x"));
  pending_.push_back(chain_.tx(copier, kCommitTag,
                               encode(CommitPayload{id, task(id).sampling_seed, seen})));
  grow();
  ASSERT_EQ(state(id), TaskState::kCommitted);
  reveal(id, honest, answer("x"));
  grow();
  reveal(id, copier, answer("x"));  // now it knows result and salt
  grow();
  EXPECT_EQ(failed(), 1u);
  ASSERT_TRUE(run_until(id, TaskState::kSettled));
  EXPECT_EQ(task(id).assignments.size(), 1u);
  EXPECT_EQ(credits_of(chain_.state, addr(copier)), 0u);
}

TEST_F(TaskLife, OnlyTheAssignedCommitOnceAndRevealWhatTheyCommitted) {
  const Hash256 id = assigned();
  const KeyPair w = worker(id);
  int stranger = 21;
  while (addr(key(stranger)) == addr(w)) ++stranger;
  reveal(id, w, answer("x"));             // before its commitment
  commit(id, key(stranger), answer("x"));  // not assigned
  pending_.push_back(chain_.tx(w, kCommitTag,
                               encode(CommitPayload{id, task(id).sampling_seed + 1, {}})));
  grow();
  EXPECT_EQ(failed(), 3u);
  commit(id, w, answer("x"));
  commit(id, w, answer("y"));  // too late to change its mind
  grow();
  EXPECT_EQ(failed(), 1u);
  reveal(id, w, answer("y"));
  reveal(id, key(stranger), answer("x"));
  grow();
  EXPECT_EQ(failed(), 2u);
  reveal(id, w, answer("x"));
  reveal(id, w, answer("x"));
  grow();
  EXPECT_EQ(failed(), 1u);
  EXPECT_EQ(state(id), TaskState::kRevealed);
}

TEST_F(TaskLife, MoreTokensThanAskedForAreRefused) {
  const Hash256 id = assigned();
  const KeyPair w = worker(id);
  commit(id, w, answer("x", 21));
  grow();
  reveal(id, w, answer("x", 21));
  grow();
  EXPECT_EQ(failed(), 1u);
}

TEST_F(TaskLife, RequestsBeyondTheLimitsFail) {
  const auto ask = [&](const std::function<void(RequestPayload&)>& change) {
    RequestPayload p{.model = test::digest("model"), .prompt = {'h'}};
    p.params = gpu::SamplingParams{.max_tokens = 16}.encode();
    change(p);
    pending_.push_back(chain_.tx(key(10), kRequestTag, encode(p)));
    grow();
    return failed() == 0;
  };
  EXPECT_TRUE(ask([](RequestPayload&) {}));
  EXPECT_TRUE(ask([](RequestPayload& p) { p.prompt.resize(1024); }));
  EXPECT_FALSE(ask([](RequestPayload& p) { p.prompt.resize(1025); }));
  EXPECT_FALSE(ask([](RequestPayload& p) {
    p.params = gpu::SamplingParams{.max_tokens = 257}.encode();
  }));
  EXPECT_FALSE(ask([](RequestPayload& p) { p.model = test::digest("unknown"); }));
}

TEST_F(TaskLife, IsNeverAssignedToItsRequester) {
  for (int round = 0; round < 12; ++round) {
    const Hash256 id = request(4, Priority::kHigh, key(21));
    grow();
    grow();
    ASSERT_EQ(state(id), TaskState::kAssigned);
    EXPECT_NE(task(id).assignments[0].worker, addr(key(21)));
  }
}

TEST_F(TaskLife, IsAssignedByABeaconThatTheRequestCouldNotSee) {
  const Hash256 id = request();
  grow();
  EXPECT_EQ(state(id), TaskState::kQueued);  // not in its own block
  grow();
  EXPECT_EQ(state(id), TaskState::kAssigned);
}

TEST_F(TaskLife, WorkersHoldNoMoreOpenTasksThanAllowed) {
  std::vector<Hash256> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(request(4));
  grow();
  grow();
  std::size_t waiting = 0;
  for (const Hash256& id : ids) waiting += state(id) == TaskState::kQueued;
  EXPECT_EQ(waiting, 20 - 4 * chain_.params.work.max_open_per_worker);
  for (const Stake& s : active_stakes(chain_.state, chain_.params)) {
    EXPECT_EQ(s.record.open, s.record.worker ? chain_.params.work.max_open_per_worker : 0);
  }
  EXPECT_EQ(queued_tasks(chain_.state), waiting);
}

}  // namespace
}  // namespace orrery::chain

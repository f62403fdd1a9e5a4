// Inference proofs that blocks carry (P-2, 3-02).
#include <functional>

#include "protocol/work/task.h"
#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::addr;
using test::key;
using test::TestChain;

constexpr std::uint64_t kNeeded = 1'000;  // D

TestChain working_chain(Genesis genesis = test::small_genesis()) {
  ChainParams params = test::small_params();
  params.work.block_work = kNeeded;
  return TestChain(params, std::move(genesis));
}

InferenceProof background(const TestChain& chain, const Block& block, std::uint64_t index,
                          std::uint64_t work = kNeeded) {
  const Hash256 id = background_id(chain.params.id, block.header.parent, block.header.proposer,
                                   index);
  const auto task = background_task(chain.params, chain.state, id);
  EXPECT_TRUE(task.has_value());
  return {.kind = ProofKind::kBackground,
          .task = id,
          .input_digest = task->input_digest,
          .output_digest = test::digest("output"),
          .transcript_root = test::digest("transcript"),
          .timestamp_ns = block.header.timestamp_ns,
          .nonce = task->sampling_seed,
          .tokens = chain.params.work.background_tokens,
          .work = work};
}

bool accepted(const TestChain& chain, Block block) {
  return build_block(chain.params, chain.network->modules, chain.state, block, {}).has_value();
}

TEST(Proofs, OfBackgroundTasksBringTheWorkThatABlockNeeds) {
  TestChain chain = working_chain();
  Block block = chain.draft(key(21));
  EXPECT_FALSE(accepted(chain, block));  // none at all
  block.proofs = {background(chain, block, 0, kNeeded - 1)};
  EXPECT_FALSE(accepted(chain, block));  // one unit too few
  block.proofs.push_back(background(chain, block, 1, 1));
  EXPECT_TRUE(accepted(chain, block));
}

TEST(Proofs, ThatOverflowTheSumOfWorkAreRefused) {
  TestChain chain = working_chain();
  Block block = chain.draft(key(21));
  block.proofs = {background(chain, block, 0, UINT64_MAX), background(chain, block, 1, kNeeded)};
  EXPECT_FALSE(accepted(chain, block));
}

TEST(Proofs, WithAnyFieldThatTheChainCanCheckAlteredAreRefused) {
  TestChain chain = working_chain();
  const std::function<void(InferenceProof&)> changes[] = {
      [](InferenceProof& p) { p.kind = ProofKind::kTask; },
      [](InferenceProof& p) { p.task.bytes[0] ^= 1; },
      [](InferenceProof& p) { p.input_digest.bytes[0] ^= 1; },
      [](InferenceProof& p) { p.timestamp_ns += 1; },
      [](InferenceProof& p) { p.nonce += 1; },
      [](InferenceProof& p) { p.tokens += 1; },
      [](InferenceProof& p) { p.work -= 1; }};
  for (const auto& change : changes) {
    Block block = chain.draft(key(21));
    block.proofs = {background(chain, block, 0)};
    change(block.proofs[0]);
    EXPECT_FALSE(accepted(chain, block));
  }
}

TEST(Proofs, OfAnotherProducerParentOrTwiceAreRefused) {
  TestChain chain = working_chain();
  Block block = chain.draft(key(21));
  const InferenceProof own = background(chain, block, 0);
  Block foreign = chain.draft(key(22));
  foreign.proofs = {own};
  EXPECT_FALSE(accepted(chain, foreign));
  block.proofs = {own, own};
  EXPECT_FALSE(accepted(chain, block));
  block.proofs = {background(chain, block, 1)};  // not the first of its list
  EXPECT_FALSE(accepted(chain, block));
  block.proofs = {own};
  chain.grow(block, {}, key(21));
  Block next = chain.draft(key(21));
  next.proofs = {own};
  next.proofs[0].timestamp_ns = next.header.timestamp_ns;
  EXPECT_FALSE(accepted(chain, next));  // of the parent before
}

TEST(Proofs, BeyondTheirNumberAreRefused) {
  TestChain chain = working_chain();
  Block block = chain.draft(key(21));
  for (std::uint64_t i = 0; i < kMaxBlockProofs; ++i) {
    block.proofs.push_back(background(chain, block, i));
  }
  EXPECT_TRUE(accepted(chain, block));
  block.proofs.push_back(background(chain, block, kMaxBlockProofs));
  EXPECT_FALSE(accepted(chain, block));
}

TEST(Proofs, OfBackgroundTasksAreRefusedOnAChainWithoutModels) {
  Genesis genesis = test::small_genesis();
  genesis.models.clear();
  TestChain chain(test::small_params(), genesis);
  const Hash256 id = background_id(chain.params.id, chain.head->hash, key(21).public_key(), 0);
  EXPECT_FALSE(background_task(chain.params, chain.state, id));
  Block block = chain.draft(key(21));
  block.proofs = {{.kind = ProofKind::kBackground,
                   .task = id,
                   .timestamp_ns = block.header.timestamp_ns}};
  EXPECT_FALSE(accepted(chain, block));
}

TEST(Proofs, OfBackgroundTasksSettleForCreditsAndNoMoney) {
  TestChain chain = working_chain();
  const auto grow = [&] {
    Block block = chain.draft(key(21));
    block.proofs = {background(chain, block, 0, 5'000'000)};
    chain.grow(block, {}, key(21));
    return block.proofs[0].task;
  };
  const Hash256 id = grow();
  EXPECT_EQ(find_task(chain.state, id)->state, TaskState::kRevealed);
  EXPECT_EQ(credits_of(chain.state, addr(key(21))), 0u);  // not before the challenge window is over
  for (std::uint32_t i = 0; i < chain.params.work.challenge_blocks; ++i) grow();
  EXPECT_EQ(find_task(chain.state, id)->state, TaskState::kSettled);
  EXPECT_EQ(credits_of(chain.state, addr(key(21))), 5'000'000u);
  EXPECT_EQ(chain.event(ChainEventKind::kTaskSettled)->amount, 0u);
}

class CarriedTask : public ::testing::Test {
 protected:
  // A user's task, revealed by its worker.
  CarriedTask() : chain_(test::small_params()) {
    RequestPayload p{.model = test::digest("model"), .prompt = {'h'}};
    p.params = gpu::SamplingParams{.max_tokens = 8}.encode();
    id_ = task_id(chain_.params.id, addr(key(10)), 0);
    chain_.grow({chain_.tx(key(10), kRequestTag, encode(p))});
    chain_.grow();
    const Task task = *find_task(chain_.state, id_);
    for (int i = 21; i <= 24; ++i) {
      if (addr(key(i)) == task.assignments[0].worker) worker_ = i;
    }
    gpu::InferenceResult r;
    r.generated_tokens = 8;
    r.transcript_root = test::digest("t");
    r.work_units = kNeeded;
    const Salt salt{};
    const KeyPair w = key(worker_);
    chain_.grow({chain_.tx(
        w, kCommitTag,
        encode(CommitPayload{id_, task.sampling_seed,
                             task_commitment(chain_.params.id, id_, addr(w), r, salt)}))});
    chain_.grow({chain_.tx(w, kRevealTag, encode(RevealPayload{id_, salt, r.encode()}))});
    const Block block = chain_.draft(w);
    proof_ = {.kind = ProofKind::kTask,
              .task = id_,
              .input_digest = task.input_digest,
              .output_digest = r.digest(),
              .transcript_root = r.transcript_root,
              .timestamp_ns = block.header.timestamp_ns,
              .nonce = task.sampling_seed,
              .tokens = 8,
              .work = kNeeded};
  }
  bool carry(const InferenceProof& proof, int producer) {
    Block block = chain_.draft(key(producer));
    block.proofs = {proof};
    return accepted(chain_, block);
  }

  TestChain chain_;
  Hash256 id_;
  int worker_ = 0;
  InferenceProof proof_;
};

TEST_F(CarriedTask, CountsOnceForItsWorkerAlone) {
  EXPECT_TRUE(carry(proof_, worker_));
  EXPECT_FALSE(carry(proof_, worker_ == 21 ? 22 : 21));
  Block block = chain_.draft(key(worker_));
  block.proofs = {proof_, proof_};
  EXPECT_FALSE(accepted(chain_, block));
  block.proofs = {proof_};
  chain_.grow(block, {}, key(worker_));
  proof_.timestamp_ns = chain_.draft().header.timestamp_ns;
  EXPECT_FALSE(carry(proof_, worker_));
}

TEST_F(CarriedTask, WithAnyFieldOtherThanRevealedIsRefused) {
  const std::function<void(InferenceProof&)> changes[] = {
      [](InferenceProof& p) { p.kind = ProofKind::kBackground; },
      [](InferenceProof& p) { p.task.bytes[0] ^= 1; },
      [](InferenceProof& p) { p.input_digest.bytes[0] ^= 1; },
      [](InferenceProof& p) { p.output_digest.bytes[0] ^= 1; },
      [](InferenceProof& p) { p.transcript_root.bytes[0] ^= 1; },
      [](InferenceProof& p) { p.timestamp_ns -= 1; },
      [](InferenceProof& p) { p.nonce += 1; },
      [](InferenceProof& p) { p.tokens += 1; },
      [](InferenceProof& p) { p.work += 1; }};
  for (const auto& change : changes) {
    InferenceProof p = proof_;
    change(p);
    EXPECT_FALSE(carry(p, worker_));
  }
}

TEST_F(CarriedTask, IsRefusedAfterAChallengeThatNobodyDecided) {
  const Task task = *find_task(chain_.state, id_);
  chain_.grow({chain_.tx(key(2), kChallengeTag,
                         encode(ResultClaim{id_, task.sampling_seed, test::digest("y")}))});
  chain_.grow_until([&] { return find_task(chain_.state, id_)->state == TaskState::kRefunded; });
  proof_.timestamp_ns = chain_.draft().header.timestamp_ns;
  EXPECT_FALSE(carry(proof_, worker_));
}

}  // namespace
}  // namespace orrery::chain

// Payloads of tasks: canonical, bounded, nothing unknown (G-3).
#include <functional>

#include "protocol/work/task.h"
#include "tests/unit/protocol/test_chain.h"

namespace orrery::chain {
namespace {

using test::digest;

struct Sample {
  const char* name;
  Bytes encoded;
  std::function<std::optional<Bytes>(ByteView)> round;  // decode and encode again
};

template <auto Decode>
std::optional<Bytes> round_trip(ByteView bytes) {
  const auto decoded = Decode(bytes);
  if (!decoded) return std::nullopt;
  return encode(*decoded);
}

std::vector<Sample> samples() {
  RequestPayload request{.kind = TaskKind::kCode,
                         .priority = Priority::kLow,
                         .model = digest("m"),
                         .prompt = {'h', 'i'}};
  request.params = gpu::SamplingParams{.max_tokens = 5}.encode();
  gpu::InferenceResult result;
  result.output = {'o', 'k'};
  result.prompt_tokens = 3;
  result.generated_tokens = 2;
  return {{"request", encode(request), round_trip<decode_request>},
          {"commit", encode(CommitPayload{digest("t"), 5, digest("c")}), round_trip<decode_commit>},
          {"reveal", encode(RevealPayload{digest("t"), Salt{}, result.encode()}),
           round_trip<decode_reveal>},
          {"claim", encode(ResultClaim{digest("t"), 5, digest("r")}), round_trip<decode_claim>},
          {"transfer", encode(TransferPayload{Address{}, 7}), round_trip<decode_transfer>},
          {"stake", encode(StakePayload{7, true, false}), round_trip<decode_stake>},
          {"unstake", encode(UnstakePayload{7}), round_trip<decode_unstake>}};
}

TEST(Payloads, DecodeToTheSameBytesAndSoDoesEveryMutationThatDecodes) {
  for (const Sample& s : samples()) {
    EXPECT_EQ(s.round(s.encoded), s.encoded) << s.name;
    for (std::size_t i = 0; i < s.encoded.size(); ++i) {
      for (const int flip : {0x01, 0x10, 0xff}) {
        Bytes bytes = s.encoded;
        bytes[i] ^= static_cast<std::uint8_t>(flip);
        const auto again = s.round(bytes);
        EXPECT_TRUE(!again || *again == bytes) << s.name << " byte " << i;
      }
    }
  }
}

TEST(Payloads, TruncatedOrExtendedAreRefused) {
  for (const Sample& s : samples()) {
    for (std::size_t n = 0; n < s.encoded.size(); ++n) {
      EXPECT_FALSE(s.round(ByteView(s.encoded).first(n))) << s.name << " " << n;
    }
    Bytes longer = s.encoded;
    longer.push_back(0);
    EXPECT_FALSE(s.round(longer)) << s.name;
  }
}

TEST(Payloads, NobodyAsksForATaskOfTheBackgroundKindOrAnUnknownOne) {
  Bytes bytes = samples()[0].encoded;
  for (int kind = 0; kind < 256; ++kind) {
    bytes[0] = static_cast<std::uint8_t>(kind);
    EXPECT_EQ(decode_request(bytes).has_value(), kind < static_cast<int>(TaskKind::kBackground));
  }
  bytes[0] = 0;
  bytes[1] = 4;  // priority
  EXPECT_FALSE(decode_request(bytes));
}

TEST(Payloads, ATaskRecordSurvivesItsStateWhole) {
  StateTree state;
  Task task{.id = digest("t"),
            .kind = TaskKind::kAnalysis,
            .state = TaskState::kChallenged,
            .priority = Priority::kMedium,
            .model = digest("m"),
            .prompt = {1, 2},
            .input_digest = digest("i"),
            .params = {3},
            .requested = 4,
            .due = 5,
            .sampling_seed = 6};
  task.assignments = {{.worker = test::addr(test::key(1)),
                       .height = 7,
                       .commitment = digest("c"),
                       .reveal = Reveal{digest("r"), digest("root"), 8, 9, 10},
                       .carried = true},
                      {.worker = test::addr(test::key(2)), .height = 11}};
  task.challenger = test::addr(test::key(3));
  task.verdicts = {{test::addr(test::key(4)), digest("v")}};
  store_task(state, task);
  const Task found = *find_task(state, task.id);
  store_task(state, found);
  EXPECT_EQ(found.kind, task.kind);
  EXPECT_EQ(found.state, task.state);
  EXPECT_EQ(found.priority, task.priority);
  EXPECT_EQ(found.prompt, task.prompt);
  EXPECT_EQ(found.due, task.due);
  ASSERT_EQ(found.assignments.size(), 2u);
  EXPECT_EQ(found.assignments[0].reveal->work, 9u);
  EXPECT_TRUE(found.assignments[0].carried);
  EXPECT_FALSE(found.assignments[1].commitment.has_value());
  EXPECT_EQ(found.challenger, task.challenger);
  ASSERT_EQ(found.verdicts.size(), 1u);
  EXPECT_EQ(found.verdicts[0].result, digest("v"));
}

TEST(Payloads, ATaskRecordHoldsTheLargestTaskThatRulesAllow) {
  StateTree state;
  Task task{.id = digest("t"), .prompt = Bytes(kMaxPayloadBytes), .params = Bytes(kMaxParamsBytes)};
  task.assignments.resize(kMaxReplicas,
                          {.commitment = Hash256{}, .reveal = Reveal{}, .carried = true});
  task.verdicts.resize(kMaxVerdicts);
  store_task(state, task);
  EXPECT_EQ(find_task(state, task.id)->verdicts.size(), kMaxVerdicts);
}

}  // namespace
}  // namespace orrery::chain

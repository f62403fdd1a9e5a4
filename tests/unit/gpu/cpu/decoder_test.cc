#include "gpu/cpu/decoder.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/random.h"
#include "gpu/api/seeded_model.h"

namespace orrery::gpu {
namespace {

constexpr ModelConfig kConfig{.dim = 48, .hidden = 100, .layers = 3, .heads = 4, .context = 96};

using Row = std::vector<std::int32_t>;

Row copy(std::span<const std::int32_t> row) { return {row.begin(), row.end()}; }

std::vector<std::uint32_t> some_tokens(std::size_t n) {
  RandomStream random(8, 0, stream_id("tokens"));
  std::vector<std::uint32_t> tokens(n);
  for (auto& t : tokens) t = static_cast<std::uint32_t>(random.below(kByteVocab));
  return tokens;
}

struct Outcome {
  Row logits;
  Hash256 root;
  std::uint64_t clamps;
  bool operator==(const Outcome&) const = default;
};

// Appends the tokens in pieces of the given size.
Outcome decode(const ModelArtefact& model, Kernel kernel, const std::vector<std::uint32_t>& tokens,
               std::size_t piece) {
  Decoder decoder(model, kernel, kConfig.context);
  Transcript transcript(kConfig.layers, kConfig.dim, false);
  std::span<const std::uint32_t> rest(tokens);
  while (!rest.empty()) {
    const auto part = rest.first(std::min(piece, rest.size()));
    decoder.append(part, &transcript);
    rest = rest.subspan(part.size());
  }
  return {copy(decoder.logits()), transcript.root(), decoder.clamps()};
}

TEST(Decoder, PrefillAndTokenByTokenGiveTheSameBitsInAnySplit) {
  const ModelArtefact model = make_seeded_model(kConfig, 21);
  const auto tokens = some_tokens(75);
  const Outcome whole = decode(model, Kernel::kPortable, tokens, tokens.size());
  for (const std::size_t piece : {1u, 2u, 7u, 31u, 32u, 33u}) {
    EXPECT_EQ(decode(model, Kernel::kPortable, tokens, piece), whole) << piece;
  }
}

TEST(Decoder, EveryKernelGivesTheSameBits) {
  const ModelArtefact model = make_seeded_model(kConfig, 22);
  const auto tokens = some_tokens(40);
  const Outcome portable = decode(model, Kernel::kPortable, tokens, 40);
  for (const Kernel kernel : available_kernels()) {
    EXPECT_EQ(decode(model, kernel, tokens, 13), portable) << static_cast<int>(kernel);
  }
}

TEST(Decoder, KeptKeysAndValuesGiveTheSameBitsAsRecomputingEveryPrefix) {
  const ModelArtefact model = make_seeded_model(kConfig, 23);
  const auto tokens = some_tokens(36);
  Decoder cached(model, Kernel::kPortable, kConfig.context);
  for (std::size_t n = 1; n <= tokens.size(); ++n) {
    cached.append({&tokens[n - 1], 1}, nullptr);
    Decoder fresh(model, Kernel::kPortable, static_cast<std::uint32_t>(n));
    fresh.append(std::span(tokens).first(n), nullptr);
    ASSERT_EQ(copy(cached.logits()), copy(fresh.logits())) << n;
    ASSERT_EQ(copy(cached.residual()), copy(fresh.residual())) << n;
  }
}

TEST(Decoder, AskingForLogitsDoesNotDisturbTheSequence) {
  const ModelArtefact model = make_seeded_model(kConfig, 24);
  const auto tokens = some_tokens(10);
  Decoder asked(model, Kernel::kPortable, 10);
  Decoder silent(model, Kernel::kPortable, 10);
  for (const std::uint32_t t : tokens) {
    asked.append({&t, 1}, nullptr);
    EXPECT_EQ(copy(asked.logits()), copy(asked.logits()));
    silent.append({&t, 1}, nullptr);
  }
  EXPECT_EQ(copy(asked.logits()), copy(silent.logits()));
}

TEST(Decoder, TheFirstTokenStillMattersAtTheEnd) {
  const ModelArtefact model = make_seeded_model(kConfig, 25);
  auto tokens = some_tokens(60);
  const Outcome before = decode(model, Kernel::kPortable, tokens, 60);
  tokens[0] ^= 1;
  EXPECT_NE(decode(model, Kernel::kPortable, tokens, 60).logits, before.logits);
}

TEST(Decoder, LaterTokensDoNotReachEarlierRows) {
  const ModelArtefact model = make_seeded_model(kConfig, 26);
  auto tokens = some_tokens(20);
  const auto last_residual_row = [&](std::uint32_t position) {
    Decoder decoder(model, Kernel::kPortable, kConfig.context);
    Transcript transcript(kConfig.layers, kConfig.dim, true);
    decoder.append(tokens, &transcript);
    return copy(transcript.row(position, kConfig.layers - 1));
  };
  const Row before = last_residual_row(12);
  const Row before_next = last_residual_row(13);
  tokens[13] ^= 1;
  EXPECT_EQ(last_residual_row(12), before);
  EXPECT_NE(last_residual_row(13), before_next);
}

TEST(Decoder, OverfullCachesAndForeignTokensAreOurBug) {
  const ModelArtefact model = make_seeded_model(kConfig, 27);
  EXPECT_THROW(Decoder(model, Kernel::kPortable, kConfig.context + 1), EnsureFailure);
  Decoder decoder(model, Kernel::kPortable, 4);
  EXPECT_THROW(decoder.logits(), EnsureFailure);
  EXPECT_THROW(decoder.append(some_tokens(5), nullptr), EnsureFailure);
  EXPECT_THROW(decoder.append(std::vector<std::uint32_t>{kByteVocab}, nullptr), EnsureFailure);
}

}  // namespace
}  // namespace orrery::gpu

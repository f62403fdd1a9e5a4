// exact-i8 decoding against itself: the portable kernel, one token of one sequence at a time, is
// the reference for every kernel, batch, way of feeding, block size of the cache and thread count.
// A share of all combinations by default; ORRERY_TOKEN_STEPS=all tries every one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/batch_decoder.h"
#include "harness/model/thread_pool.h"

namespace orrery::gpu {
namespace {

constexpr std::uint32_t kPositions = 64;
constexpr std::uint32_t kSequences = 32;

// Head widths that fill vector registers and widths that do not.
constexpr ModelConfig kShapes[] = {
    {.dim = 64, .hidden = 96, .layers = 2, .heads = 2, .context = kPositions},
    {.dim = 60, .hidden = 100, .layers = 2, .heads = 6, .context = kPositions},
    {.dim = 132, .hidden = 70, .layers = 1, .heads = 1, .context = kPositions, .vocab = 300}};

struct Way {
  Kernel kernel;
  std::uint32_t batch;
  std::uint32_t piece;  // tokens of a sequence a step: 1 decodes, more prefill
  std::uint32_t block;
  std::uint32_t threads;
};

std::vector<Way> all_ways() {
  std::vector<Way> ways;
  for (const Kernel kernel : available_kernels()) {
    for (const std::uint32_t batch : {1u, 3u, 7u, 32u}) {
      for (const std::uint32_t piece : {1u, 5u, 32u}) {
        for (const std::uint32_t block : {16u, 32u, 64u}) {
          for (const std::uint32_t threads : {1u, 2u}) {
            ways.push_back({kernel, batch, piece, block, threads});
          }
        }
      }
    }
  }
  return ways;
}

std::vector<std::uint32_t> tokens_of(std::uint32_t sequence, std::uint32_t vocab) {
  RandomStream random(3, sequence, stream_id("tokens"));
  std::vector<std::uint32_t> tokens(kPositions);
  for (auto& t : tokens) t = static_cast<std::uint32_t>(random.below(vocab));
  return tokens;
}

// What a token step leaves behind: the digest of its logits and residual row.
Hash256 outcome(const BatchDecoder& decoder, std::uint32_t row) {
  const auto bytes = [](std::span<const std::int32_t> v) {
    return ByteView(reinterpret_cast<const std::uint8_t*>(v.data()), v.size_bytes());
  };
  return Sha256().update(bytes(decoder.logits(row))).update(bytes(decoder.residual(row))).finish();
}

using Outcomes = std::vector<std::vector<Hash256>>;  // sequence, position

Outcomes decode(const ModelArtefact& model, const Way& way, Parallel& parallel) {
  BatchDecoder decoder(
      model, way.kernel,
      {.max_rows = way.batch * way.piece, .max_length = kPositions, .parallel = &parallel});
  std::vector<Sequence> sequences;
  std::vector<std::vector<std::uint32_t>> tokens;
  for (std::uint32_t s = 0; s < way.batch; ++s) {
    sequences.emplace_back(model.config, kPositions, way.block);
    tokens.push_back(tokens_of(s, model.config.vocab));
  }
  Outcomes outcomes(way.batch);
  for (std::uint32_t at = 0; at < kPositions; at += way.piece) {
    const std::uint32_t count = std::min(way.piece, kPositions - at);
    std::vector<Feed> feeds;
    for (std::uint32_t s = 0; s < way.batch; ++s) {
      feeds.push_back({&sequences[s], std::span(tokens[s]).subspan(at, count)});
    }
    decoder.step(feeds);
    std::vector<std::uint32_t> rows(decoder.rows());
    for (std::uint32_t r = 0; r < rows.size(); ++r) rows[r] = r;
    decoder.project_logits(rows);
    for (std::uint32_t r = 0; r < rows.size(); ++r) {
      outcomes[r / count].push_back(outcome(decoder, r));
    }
  }
  return outcomes;
}

// The reference: no batch, no prefill, no vector code.
std::vector<Hash256> decode_alone(const ModelArtefact& model, std::uint32_t sequence) {
  BatchDecoder decoder(model, Kernel::kPortable, {.max_rows = 1, .max_length = kPositions});
  Sequence state(model.config, kPositions);
  std::vector<Hash256> outcomes;
  for (const std::uint32_t token : tokens_of(sequence, model.config.vocab)) {
    const Feed feed{&state, {&token, 1}};
    decoder.step({&feed, 1});
    const std::uint32_t row = 0;
    decoder.project_logits({&row, 1});
    outcomes.push_back(outcome(decoder, 0));
  }
  return outcomes;
}

TEST(ExactDecoding, EveryWayGivesTheBitsOfThePortableOne) {
  const char* wish = std::getenv("ORRERY_TOKEN_STEPS");
  const bool all = wish != nullptr && std::string(wish) == "all";
  const std::vector<Way> ways = all_ways();
  const std::size_t stride = all ? 1 : 11;  // coprime to the factors, so each of their values comes
  std::uint64_t steps = 0;
  Serial serial;
  model::ThreadPool pool(2);
  for (std::size_t shape = 0; shape < std::size(kShapes); ++shape) {
    const ModelArtefact model = make_seeded_model(kShapes[shape], 40 + shape);
    Outcomes want;
    for (std::uint32_t s = 0; s < kSequences; ++s) want.push_back(decode_alone(model, s));
    for (std::size_t i = shape; i < ways.size(); i += stride) {
      const Way& way = ways[i];
      Parallel& parallel = way.threads == 1 ? static_cast<Parallel&>(serial) : pool;
      const Outcomes got = decode(model, way, parallel);
      for (std::uint32_t s = 0; s < way.batch; ++s) {
        for (std::uint32_t p = 0; p < kPositions; ++p, ++steps) {
          ASSERT_EQ(got[s][p], want[s][p])
              << "shape " << shape << " kernel " << static_cast<int>(way.kernel) << " batch "
              << way.batch << " piece " << way.piece << " block " << way.block << " threads "
              << way.threads << " sequence " << s << " position " << p;
        }
      }
    }
  }
  RecordProperty("token_steps", std::to_string(steps));
  EXPECT_GE(steps, all ? 100'000u : 5'000u);
}

}  // namespace
}  // namespace orrery::gpu

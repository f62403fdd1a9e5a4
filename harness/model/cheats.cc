#include "harness/model/cheats.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "gpu/cpu/decoder.h"

namespace orrery::model {
namespace {

constexpr std::size_t kFreshBytes = 8;  // that a stale cache does not hold

template <class Change>
void change_weights(gpu::QuantMatrix& matrix, Change&& change) {
  std::vector<std::int8_t> row(matrix.cols());
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
    for (std::uint32_t k = 0; k < matrix.cols(); ++k) row[k] = change(matrix.at(n, k), n, k);
    matrix.set_row(n, row, matrix.scales()[n]);
  }
}

// To the nearest multiple of 18: fifteen steps between -126 and 126.
std::int8_t to_int4(std::int8_t w) {
  const int steps = (w + (w >= 0 ? 9 : -9)) / 18;
  return static_cast<std::int8_t>(std::clamp(steps, -7, 7) * 18);
}

// The prompt that the cheater really reads.
Bytes read_by(Cheat cheat, const VerifiedTask& task) {
  Bytes prompt = task.prompt;
  switch (cheat) {
    case Cheat::kStaleCache: {
      const std::size_t fresh = std::min(kFreshBytes, prompt.size() / 2);
      std::copy_n(task.other.begin(), prompt.size() - fresh, prompt.begin());
      return prompt;
    }
    case Cheat::kTruncatedContext:
      prompt.erase(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(prompt.size() / 2));
      return prompt;
    case Cheat::kCopiedAnswer: return task.other;
    default: return prompt;
  }
}

// What the claim says was fed: the task's prompt, then the answer.
std::vector<std::uint32_t> fed(const VerifiedTask& task, const std::vector<std::uint32_t>& answer) {
  std::vector<std::uint32_t> tokens{gpu::kTokenBos};
  tokens.insert(tokens.end(), task.prompt.begin(), task.prompt.end());
  tokens.insert(tokens.end(), answer.begin(), answer.end() - 1);
  return tokens;
}

// In the middle of the answer, drawn from the task, to another letter.
void flip(std::vector<std::uint32_t>& answer, const VerifiedTask& task) {
  std::uint32_t& token = answer[task.sampling_seed % answer.size()];
  token = token == 'a' ? 'e' : 'a';
}

// Where a claim of `have` rows is looked up for one of `want`: the first row stands in for what
// was never read.
std::size_t source_row(std::size_t row, std::size_t want, std::size_t have) {
  const std::size_t missing = want - have;
  return row < missing ? 0 : row - missing;
}

}  // namespace

std::string_view cheat_name(Cheat cheat) {
  constexpr std::string_view kNames[kCheats] = {
      "honest",        "smaller model", "int4 weights",
      "skipped layer", "stale cache",   "truncated context",
      "flipped token", "copied answer", "zeros"};
  return kNames[static_cast<std::size_t>(cheat)];
}

gpu::SamplingParams VerifiedTask::params() const {
  return {.max_tokens = tokens, .temperature = 0, .stop_on_eos = false};
}

gpu::ModelArtefact model_of(Cheat cheat, const gpu::ModelArtefact& honest) {
  gpu::ModelArtefact model = honest;
  const std::uint32_t hidden = honest.config.hidden;
  const auto zero = [](std::int8_t, std::uint32_t, std::uint32_t) { return std::int8_t{0}; };
  if (cheat == Cheat::kSmallerModel) {
    for (gpu::LayerWeights& layer : model.layers) {
      change_weights(layer.down, [&](std::int8_t w, std::uint32_t, std::uint32_t k) {
        return k < hidden / 2 ? w : std::int8_t{0};
      });
    }
  } else if (cheat == Cheat::kInt4Weights) {
    for (gpu::LayerWeights& layer : model.layers) {
      for (auto* matrix : {&layer.qkv, &layer.out, &layer.gate_up, &layer.down}) {
        change_weights(*matrix,
                       [](std::int8_t w, std::uint32_t, std::uint32_t) { return to_int4(w); });
      }
    }
  } else if (cheat == Cheat::kSkippedLayer) {
    change_weights(model.layers.back().out, zero);
    change_weights(model.layers.back().down, zero);
  }
  return model;
}

ExactClaim exact_claim(Cheat cheat, const gpu::ModelArtefact& model, const VerifiedTask& task) {
  ENSURE(task.prompt.size() == task.other.size() && task.prompt.size() > 1 && task.tokens > 1,
         "prompts of equal length and more than one token");
  const gpu::ModelConfig& c = model.config;
  std::vector<std::uint32_t> read{gpu::kTokenBos};
  const Bytes prompt = read_by(cheat, task);
  read.insert(read.end(), prompt.begin(), prompt.end());
  const auto positions = static_cast<std::uint32_t>(read.size()) + task.tokens - 1;
  gpu::Decoder decoder(model, gpu::available_kernels().back(), positions);
  gpu::Transcript transcript(c.layers, c.dim, true);
  std::vector<std::uint32_t> answer;
  while (true) {
    decoder.append(read, &transcript);
    answer.push_back(
        gpu::sample_token(decoder.logits(), task.params(), task.sampling_seed, decoder.position()));
    if (answer.size() == task.tokens) break;
    read = {answer.back()};
  }
  if (cheat == Cheat::kFlippedToken) flip(answer, task);
  if (cheat == Cheat::kZeros) answer.assign(task.tokens, 0);
  ExactClaim claim{fed(task, answer), answer.back(), gpu::Transcript(c.layers, c.dim, true)};
  const std::size_t have = transcript.leaves() / c.layers;
  const std::vector<std::int32_t> nothing(c.dim);
  for (std::uint32_t p = 0; p < claim.tokens.size(); ++p) {
    const auto from = static_cast<std::uint32_t>(source_row(p, claim.tokens.size(), have));
    for (std::uint32_t l = 0; l < c.layers; ++l) {
      const auto row =
          cheat == Cheat::kZeros ? std::span<const std::int32_t>(nothing) : transcript.row(from, l);
      claim.transcript.set({p, l, claim.tokens[p], row});
    }
  }
  return claim;
}

FastClaim fast_claim(Cheat cheat, const gpu::FastModel& model, gpu::FastPrecision precision,
                     const VerifiedTask& task) {
  const std::size_t dim = model.config.dim, vocab = model.config.vocab;
  gpu::FastDecoder decoder(model, precision);
  std::vector<std::uint32_t> read{gpu::kTokenBos};
  const Bytes prompt = read_by(cheat, task);
  read.insert(read.end(), prompt.begin(), prompt.end());
  std::vector<float> hidden;
  std::vector<std::uint32_t> answer;
  while (true) {
    decoder.append(read);
    hidden.insert(hidden.end(), decoder.hidden().begin(), decoder.hidden().end());
    const std::vector<float> logits = decoder.logits();
    const auto last = logits.end() - static_cast<std::ptrdiff_t>(vocab);
    answer.push_back(static_cast<std::uint32_t>(std::max_element(last, logits.end()) - last));
    if (answer.size() == task.tokens) break;
    read = {answer.back()};
  }
  if (cheat == Cheat::kFlippedToken) flip(answer, task);
  if (cheat == Cheat::kZeros) {
    answer.assign(task.tokens, 0);
    std::ranges::fill(hidden, 0.0f);
  }
  FastClaim claim{fed(task, answer), answer.back(), {}};
  const std::size_t have = hidden.size() / dim;
  for (std::size_t p = 0; p < claim.tokens.size(); ++p) {
    const auto from = hidden.begin() +
                      static_cast<std::ptrdiff_t>(source_row(p, claim.tokens.size(), have) * dim);
    claim.hidden.insert(claim.hidden.end(), from, from + static_cast<std::ptrdiff_t>(dim));
  }
  return claim;
}

}  // namespace orrery::model

// Inference as the network sees it: parameters in, a result out whose every field is a function of
// (model, prompt, parameters, sampling seed) alone, so that two executions are compared by hash.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "gpu/api/model.h"
#include "gpu/api/transcript.h"

namespace orrery::gpu {

inline constexpr std::uint32_t kTemperatureOne = 1u << 16;
inline constexpr std::uint64_t kTopPOne = std::uint64_t{1} << 32;

struct SamplingParams {
  std::uint32_t max_tokens = 16;   // generated at most; 1..32768
  std::uint32_t temperature = 0;   // Q16, at most 100; 0 takes the largest logit, lowest id first
  std::uint32_t top_k = 0;         // keep the k likeliest tokens; 0 keeps all; at most 65536
  std::uint64_t top_p = kTopPOne;  // Q32, 1..kTopPOne: keep the least prefix of at least this mass
  bool stop_on_eos = true;         // otherwise EOS is one more token without a byte

  Bytes encode() const;
  static Result<SamplingParams> decode(ByteView bytes);
  friend bool operator==(const SamplingParams&, const SamplingParams&) = default;
};

// kInvalidArgument with the broken bound.
Status validate(const SamplingParams& params);

// Longest output of any valid parameters, in bytes.
inline constexpr std::uint32_t kMaxOutputBytes = 32'768;

struct InferenceResult {
  Bytes output;                        // the generated tokens that are bytes
  std::uint32_t prompt_tokens = 0;     // BOS included
  std::uint32_t generated_tokens = 0;  // EOS included
  Hash256 transcript_root;
  std::uint64_t work_units = 0;  // work_units(config, prompt_tokens, generated_tokens)
  // How often a value left its fixed-point range and was clamped (a defined, exact operation).
  // Above zero the model does not fit the number formats and its quality suffers.
  std::uint64_t clamps = 0;

  Bytes encode() const;
  static Result<InferenceResult> decode(ByteView bytes);
  // SHA-256 of encode() under a domain tag.
  Hash256 digest() const;
  friend bool operator==(const InferenceResult&, const InferenceResult&) = default;
};

// Integer multiply-accumulates of an execution. With d, h, L, V of the config, P prompt and G
// generated tokens, N = P + G - 1 positions (the last token is not fed back):
//   N * L * (4 d^2 + 3 d h)  projections and MLP (2 d h for Family::kGpt2)
// + L * d * N * (N + 1)      attention: two products of width d with each earlier position and self
// + G * V * d                logits
// Zero if P or G is zero.
std::uint64_t work_units(const ModelConfig& config, std::uint32_t prompt_tokens,
                         std::uint32_t generated_tokens);

// The next token for logits in Q16, drawn for the given position. Random bits are
// Philox4x32(position, stream "gpu.sample"; key sampling_seed): f(seed, position), no state.
// Weights are 2^-((max - z) * log2(e) / T) in Q30, candidates ordered by (weight descending, id
// ascending), filtered by top_k and then top_p; the draw is mulhi(random, total), whose bias is
// below total / 2^64 < 2^-18. `params` must be valid.
std::uint32_t sample_token(std::span<const std::int32_t> logits, const SamplingParams& params,
                           std::uint64_t sampling_seed, std::uint64_t position);

// A result with the transcript behind it.
struct Execution {
  InferenceResult result;
  Transcript transcript;
};

// One text being decoded by a backend. Owned by one execution; not thread-safe. Fails only where
// the machine does (a device that is lost, memory that is gone): kUnsupported or kInternal.
class TextDecoder {
 public:
  virtual ~TextDecoder() = default;
  // Appends tokens: at least one, ids below vocab, no more than the capacity in all (ENSUREs them).
  // The residual rows of each layer go to `transcript` where one is given.
  virtual Status append(std::span<const std::uint32_t> tokens, Transcript* transcript) = 0;
  // What sample_token() draws for the position after the last token appended; there is one.
  virtual Result<std::uint32_t> next(const SamplingParams& params, std::uint64_t sampling_seed) = 0;
  // Of all that was appended and drawn; see InferenceResult::clamps.
  virtual Result<std::uint64_t> clamps() = 0;
};

// Executes models. Implementations are stateless between calls and may be called from any thread.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;

  // A decoder for at most `capacity` positions, 1 <= capacity <= config.context. The model must
  // outlive it. kUnsupported: this machine cannot hold or compute it.
  virtual Result<std::unique_ptr<TextDecoder>> open(const ModelArtefact& model,
                                                    std::uint32_t capacity) const = 0;

  // BOS, then the prompt's bytes; generation ends at max_tokens, at EOS (if asked to stop there) or
  // when the context is full. kInvalidArgument: parameters out of range, or BOS and prompt longer
  // than the context. keep_rows: keep the residual rows, so that leaves can be opened.
  Result<Execution> execute(const ModelArtefact& model, ByteView prompt,
                            const SamplingParams& params, std::uint64_t sampling_seed,
                            bool keep_rows) const;

  Result<InferenceResult> generate(const ModelArtefact& model, ByteView prompt,
                                   const SamplingParams& params, std::uint64_t sampling_seed) const;
};

}  // namespace orrery::gpu

#include "gpu/api/inference.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/codec.h"

namespace orrery::gpu {
namespace {

constexpr std::uint16_t kParamsVersion = 1;
constexpr std::uint16_t kResultVersion = 1;

Status at_most(const char* name, std::uint64_t value, std::uint64_t high) {
  if (value <= high) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("sampling {} is {}, above {}", name, value, high));
}

}  // namespace

Status validate(const SamplingParams& p) {
  TRY(at_most("max_tokens", p.max_tokens, kMaxOutputBytes));
  TRY(at_most("temperature", p.temperature, 100 * kTemperatureOne));
  TRY(at_most("top_k", p.top_k, 65'536));
  TRY(at_most("top_p", p.top_p, kTopPOne));
  if (p.max_tokens == 0) return fail(ErrorCode::kInvalidArgument, "sampling max_tokens is 0");
  if (p.top_p == 0) return fail(ErrorCode::kInvalidArgument, "sampling top_p is 0");
  return {};
}

Bytes SamplingParams::encode() const {
  Writer out;
  out.u16(kParamsVersion).u32(max_tokens).u32(temperature).u32(top_k).u64(top_p);
  out.boolean(stop_on_eos);
  return out.take();
}

Result<SamplingParams> SamplingParams::decode(ByteView bytes) {
  Reader in(bytes);
  if (in.u16() != kParamsVersion) in.fail("unknown version of sampling parameters");
  SamplingParams p;
  p.max_tokens = in.u32();
  p.temperature = in.u32();
  p.top_k = in.u32();
  p.top_p = in.u64();
  p.stop_on_eos = in.boolean();
  TRY(in.finish());
  if (const Status valid = validate(p); !valid) {
    return fail(ErrorCode::kMalformed, valid.error().message);
  }
  return p;
}

Bytes InferenceResult::encode() const {
  Writer out;
  out.u16(kResultVersion).bytes(output).u32(prompt_tokens).u32(generated_tokens);
  out.hash(transcript_root).u64(work_units).u64(clamps);
  return out.take();
}

Result<InferenceResult> InferenceResult::decode(ByteView bytes) {
  Reader in(bytes);
  if (in.u16() != kResultVersion) in.fail("unknown version of an inference result");
  InferenceResult r;
  const ByteView output = in.bytes(kMaxOutputBytes);
  r.output.assign(output.begin(), output.end());
  r.prompt_tokens = in.u32();
  r.generated_tokens = in.u32();
  r.transcript_root = in.hash();
  r.work_units = in.u64();
  r.clamps = in.u64();
  if (in.ok() && r.generated_tokens < r.output.size()) in.fail("more bytes than generated tokens");
  TRY(in.finish());
  return r;
}

Hash256 InferenceResult::digest() const {
  return Sha256().update(as_bytes("orrery.inference.v1")).update(encode()).finish();
}

std::uint64_t work_units(const ModelConfig& c, std::uint32_t prompt_tokens,
                         std::uint32_t generated_tokens) {
  if (prompt_tokens == 0 || generated_tokens == 0) return 0;
  const std::uint64_t d = c.dim;
  const std::uint64_t positions = std::uint64_t{prompt_tokens} + generated_tokens - 1;
  const std::uint64_t mlp = (c.family == Family::kGpt2 ? 2 : 3) * d * c.hidden;
  return positions * c.layers * (4 * d * d + mlp) + c.layers * d * positions * (positions + 1) +
         generated_tokens * c.vocab * d;
}

Result<Execution> Backend::execute(const ModelArtefact& model, ByteView prompt,
                                   const SamplingParams& params, std::uint64_t sampling_seed,
                                   bool keep_rows) const {
  const ModelConfig& config = model.config;
  TRY(validate(params));
  if (prompt.size() + 1 > config.context) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the prompt has {} bytes; the model takes {}", prompt.size(),
                            config.context - 1));
  }
  std::vector<std::uint32_t> tokens{kTokenBos};
  tokens.insert(tokens.end(), prompt.begin(), prompt.end());
  const auto prompt_tokens = static_cast<std::uint32_t>(tokens.size());
  // The last token generated is not fed back, so it needs no position.
  const std::uint32_t generate = std::min(params.max_tokens, config.context - prompt_tokens + 1);

  Execution run{{}, Transcript(config.layers, config.dim, keep_rows)};
  ASSIGN_OR_RETURN(const auto decoder, open(model, prompt_tokens + generate - 1));
  TRY(decoder->append(tokens, &run.transcript));
  InferenceResult& result = run.result;
  while (true) {
    ASSIGN_OR_RETURN(const std::uint32_t token, decoder->next(params, sampling_seed));
    ++result.generated_tokens;
    if (token < 256) result.output.push_back(static_cast<std::uint8_t>(token));
    if (token == kTokenEos && params.stop_on_eos) break;
    if (result.generated_tokens == generate) break;
    TRY(decoder->append({&token, 1}, &run.transcript));
  }
  result.prompt_tokens = prompt_tokens;
  result.transcript_root = run.transcript.root();
  result.work_units = work_units(config, prompt_tokens, result.generated_tokens);
  ASSIGN_OR_RETURN(result.clamps, decoder->clamps());
  return run;
}

Result<InferenceResult> Backend::generate(const ModelArtefact& model, ByteView prompt,
                                          const SamplingParams& params,
                                          std::uint64_t sampling_seed) const {
  ASSIGN_OR_RETURN(Execution execution, execute(model, prompt, params, sampling_seed, false));
  return std::move(execution.result);
}

}  // namespace orrery::gpu

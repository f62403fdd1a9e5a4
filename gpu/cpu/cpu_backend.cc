#include "gpu/cpu/cpu_backend.h"

#include <fmt/format.h>

#include <algorithm>

#include "gpu/cpu/decoder.h"

namespace orrery::gpu {

Result<Execution> CpuBackend::execute(const ModelArtefact& model, ByteView prompt,
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
  Decoder decoder(model, kernel_, prompt_tokens + generate - 1);
  decoder.append(tokens, &run.transcript);
  InferenceResult& result = run.result;
  while (true) {
    const std::uint32_t token =
        sample_token(decoder.logits(), params, sampling_seed, decoder.position());
    ++result.generated_tokens;
    if (token < 256) result.output.push_back(static_cast<std::uint8_t>(token));
    if (token == kTokenEos && params.stop_on_eos) break;
    if (result.generated_tokens == generate) break;
    decoder.append({&token, 1}, &run.transcript);
  }
  result.prompt_tokens = prompt_tokens;
  result.transcript_root = run.transcript.root();
  result.work_units = work_units(config, prompt_tokens, result.generated_tokens);
  result.clamps = decoder.clamps();
  return run;
}

}  // namespace orrery::gpu

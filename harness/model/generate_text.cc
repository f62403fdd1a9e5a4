#include "harness/model/generate_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "gpu/api/model.h"
#include "harness/model/json_text.h"
#include "harness/model/model_folder.h"
#include "harness/model/stop_texts.h"
#include "harness/model/tokenizer.h"

namespace orrery::model {
namespace {

// The alphabet of a model.
struct Language {
  std::optional<Tokenizer> tokenizer;  // none: bytes
  std::optional<std::uint32_t> bos, eos;

  std::string text_of(const std::vector<std::uint32_t>& tokens) const {
    if (tokenizer) return tokenizer->decode(tokens);
    std::string text;
    for (const std::uint32_t t : tokens) {
      if (t < 256) text += static_cast<char>(static_cast<unsigned char>(t));
    }
    return text;
  }
};

Result<Language> language_of(const std::string& folder) {
  if (!has_tokenizer(folder)) return Language{{}, gpu::kTokenBos, gpu::kTokenEos};
  ASSIGN_OR_RETURN(Tokenizer tokenizer, Tokenizer::read(folder + "/tokenizer.json"));
  ASSIGN_OR_RETURN(const std::string text, read_text_file(folder + "/config.json"));
  ASSIGN_OR_RETURN(const nlohmann::json config, parse_json(text, folder + "/config.json"));
  const auto id_of = [&](const char* key) -> std::optional<std::uint32_t> {
    const bool has = config.is_object() && config.contains(key);
    if (!has || !config[key].is_number_unsigned()) return {};
    return config[key].get<std::uint32_t>();
  };
  return Language{std::move(tokenizer), id_of("bos_token_id"), id_of("eos_token_id")};
}

Result<std::vector<std::uint32_t>> prompt_tokens(const Language& language,
                                                 const gpu::ModelConfig& config,
                                                 std::string_view prompt) {
  std::vector<std::uint32_t> tokens;
  if (language.tokenizer) {
    ASSIGN_OR_RETURN(tokens, language.tokenizer->encode(prompt));
  } else {
    for (const char c : prompt) tokens.push_back(static_cast<unsigned char>(c));
  }
  const bool begins = !language.tokenizer || config.family == gpu::Family::kLlama || tokens.empty();
  if (language.bos && begins) tokens.insert(tokens.begin(), *language.bos);
  for (const std::uint32_t t : tokens) {
    if (t < config.vocab) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the tokenizer gives token {}, the model knows {}", t, config.vocab));
  }
  if (tokens.empty() || tokens.size() > config.context) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the prompt has {} tokens; the model takes 1 to {}", tokens.size(),
                            config.context));
  }
  return tokens;
}

}  // namespace

Result<GeneratedText> generate_text(const gpu::Backend& backend, const std::string& folder,
                                    const TextRequest& request) {
  TRY(gpu::validate(request.params));
  ASSIGN_OR_RETURN(const gpu::ModelArtefact artefact, read_artefact(folder));
  ASSIGN_OR_RETURN(const Language language, language_of(folder));
  ASSIGN_OR_RETURN(const auto tokens, prompt_tokens(language, artefact.config, request.prompt));
  const auto room = artefact.config.context - static_cast<std::uint32_t>(tokens.size()) + 1;
  const std::uint32_t most = std::min(request.params.max_tokens, room);
  ASSIGN_OR_RETURN(const auto decoder, backend.open(artefact, artefact.config.context));
  TRY(decoder->append(tokens, nullptr));
  GeneratedText out;
  StopTexts stops(request.stops);
  const auto say = [&](std::string piece) {
    out.text += piece;
    if (request.on_text) request.on_text(piece);
  };
  std::size_t spelled = 0;  // bytes of all tokens so far
  while (out.tokens.size() < most && !stops.stopped()) {
    ASSIGN_OR_RETURN(const std::uint32_t next, decoder->next(request.params, request.seed));
    if (request.params.stop_on_eos && next == language.eos) break;
    out.tokens.push_back(next);
    const std::string all = language.text_of(out.tokens);
    if (all.size() > spelled) say(stops.feed(std::string_view(all).substr(spelled)));
    spelled = std::max(spelled, all.size());
    if (out.tokens.size() < most && !stops.stopped()) TRY(decoder->append({&next, 1}, nullptr));
  }
  out.stopped = stops.stopped();
  if (!out.stopped) say(stops.rest());
  return out;
}

}  // namespace orrery::model

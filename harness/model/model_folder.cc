#include "harness/model/model_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "gpu/cpu/cpu_backend.h"
#include "gpu/cpu/decoder.h"
#include "gpu/cpu/quantise.h"
#include "harness/model/hf_gpt2.h"
#include "harness/model/hf_llama.h"
#include "harness/model/json_text.h"
#include "reports/record/write.h"

namespace orrery::model {
namespace {

constexpr const char* kArtefact = "/artefact.bin";

// By the family that config.json names.
Result<bool> is_gpt2(const std::string& folder) {
  const std::string path = folder + "/config.json";
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
  ASSIGN_OR_RETURN(const nlohmann::json config, parse_json(text, path));
  return config.is_object() && config.contains("model_type") && config["model_type"] == "gpt2";
}

Result<gpu::ModelArtefact> from_checkpoint(const std::string& folder) {
  ASSIGN_OR_RETURN(const bool gpt2, is_gpt2(folder));
  if (gpt2) {
    ASSIGN_OR_RETURN(const gpu::Gpt2Model model, import_gpt2(folder));
    return gpu::quantise_model(model);
  }
  ASSIGN_OR_RETURN(const gpu::F32Model model, import_llama(folder));
  return gpu::quantise_model(model);
}

}  // namespace

Result<gpu::ModelArtefact> build_artefact(const std::string& folder) {
  ASSIGN_OR_RETURN(gpu::ModelArtefact artefact, from_checkpoint(folder));
  TRY(report::write_file_atomically(folder + kArtefact, as_text(artefact.encode())));
  return artefact;
}

Result<gpu::ModelArtefact> read_artefact(const std::string& path) {
  const std::string file = std::filesystem::is_directory(path) ? path + kArtefact : path;
  ASSIGN_OR_RETURN(const std::string text, read_text_file(file));
  auto artefact = gpu::ModelArtefact::decode(as_bytes(text));
  if (!artefact) return fail(artefact.error().code, file + ": " + artefact.error().message);
  return artefact;
}

Result<Hash256> verify_folder(const std::string& folder) {
  ASSIGN_OR_RETURN(const gpu::ModelArtefact rebuilt, from_checkpoint(folder));
  ASSIGN_OR_RETURN(const std::string stored, read_text_file(folder + kArtefact));
  const Bytes bytes = rebuilt.encode();
  const ByteView there = as_bytes(stored);
  if (!std::ranges::equal(bytes, there)) {
    const auto [mine, theirs] = std::ranges::mismatch(bytes, there);
    return fail(ErrorCode::kRefused,
                fmt::format("{}{} is not what its checkpoint gives: byte {} of {} differs", folder,
                            kArtefact, mine - bytes.begin(), bytes.size()));
  }
  std::optional<Hash256> first;
  const gpu::SamplingParams params{.max_tokens = 16, .stop_on_eos = false};
  for (const gpu::Kernel kernel : gpu::available_kernels()) {
    ASSIGN_OR_RETURN(const auto result,
                     gpu::CpuBackend(kernel).generate(rebuilt, as_bytes("the "), params, 1));
    if (!first) first = result.digest();
    if (result.digest() != *first) {
      return fail(ErrorCode::kRefused, "kernels of this processor disagree on the model");
    }
  }
  return rebuilt.digest();
}

Result<gpu::FastModel> read_fast_model(const std::string& folder) {
  ASSIGN_OR_RETURN(const bool gpt2, is_gpt2(folder));
  if (gpt2) {
    ASSIGN_OR_RETURN(const gpu::Gpt2Model model, import_gpt2(folder));
    return gpu::fast_model(model);
  }
  ASSIGN_OR_RETURN(const gpu::F32Model model, import_llama(folder));
  return gpu::fast_model(model);
}

std::vector<float> exact_logits(const gpu::ModelArtefact& artefact,
                                std::span<const std::uint32_t> tokens) {
  gpu::Decoder decoder(artefact, gpu::available_kernels().back(), artefact.config.context);
  std::vector<float> out;
  for (const std::uint32_t& token : tokens) {
    decoder.append({&token, 1}, nullptr);
    for (const std::int32_t q16 : decoder.logits()) {
      out.push_back(static_cast<float>(q16) / 65536.0f);
    }
  }
  return out;
}

bool has_tokenizer(const std::string& folder) {
  return std::filesystem::is_regular_file(folder + "/tokenizer.json");
}

}  // namespace orrery::model

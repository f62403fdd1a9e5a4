#include "harness/model/hf_llama.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/model/config_reader.h"
#include "harness/model/json_text.h"
#include "harness/model/safetensors.h"
#include "reports/record/write.h"

namespace orrery::model {
namespace {

using nlohmann::json;

constexpr double kNormEpsilon = 1e-5;
constexpr double kRopeTheta = 10'000;

struct LlamaConfig {
  gpu::ModelConfig model;
  std::uint32_t kv_heads = 0;
  bool tied = false;
};

Result<LlamaConfig> read_config(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
  ASSIGN_OR_RETURN(const json root, parse_json(text, path));
  if (!root.is_object()) return fail(ErrorCode::kMalformed, path + ": not an object");
  ConfigReader in(root, path);
  LlamaConfig out;
  in.only("model_type", "llama");
  out.model = {.dim = in.count("hidden_size"),
               .hidden = in.count("intermediate_size"),
               .layers = in.count("num_hidden_layers"),
               .heads = in.count("num_attention_heads"),
               .context = in.count("max_position_embeddings", 2048),
               .vocab = in.count("vocab_size")};
  TRY(in.status());
  const gpu::ModelConfig& c = out.model;
  out.kv_heads = in.count("num_key_value_heads", c.heads);
  in.require(out.kv_heads != 0 && c.heads % out.kv_heads == 0,
             fmt::format("{} key-value heads do not divide {} heads", out.kv_heads, c.heads));
  in.require(in.count("head_dim", std::max(1u, c.dim / c.heads)) * c.heads == c.dim,
             "head_dim is not hidden_size / num_attention_heads");
  in.only("rope_theta", kRopeTheta);
  in.only("rope_scaling", nullptr);
  in.only("rms_norm_eps", kNormEpsilon);
  in.only("hidden_act", "silu");
  in.only("attention_bias", false);
  in.only("mlp_bias", false);
  out.tied = in.flag("tie_word_embeddings", false);
  TRY(in.status());
  if (const Status valid = gpu::validate(c); !valid) {
    return fail(ErrorCode::kUnsupported, path + ": " + valid.error().message);
  }
  return out;
}

// Copies each key-value head to the query heads that share it.
std::vector<float> spread_heads(const std::vector<float>& from, const LlamaConfig& c) {
  const std::size_t head = std::size_t{c.model.head_dim()} * c.model.dim;
  const std::uint32_t share = c.model.heads / c.kv_heads;
  std::vector<float> out(head * c.model.heads);
  for (std::uint32_t h = 0; h < c.model.heads; ++h) {
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(h / share * head), head,
                out.begin() + static_cast<std::ptrdiff_t>(h * head));
  }
  return out;
}

Result<std::vector<float>> read_slot(const TensorFolder& tensors, const LlamaConfig& c,
                                     const gpu::TensorSlot& slot) {
  const bool shared = slot.name.ends_with("k_proj.weight") || slot.name.ends_with("v_proj.weight");
  if (shared && c.kv_heads != c.model.heads) {
    ASSIGN_OR_RETURN(
        const auto values,
        tensors.floats(slot.name, {std::uint64_t{c.kv_heads} * c.model.head_dim(), c.model.dim}));
    return spread_heads(values, c);
  }
  const bool tied = slot.name == "lm_head.weight" && c.tied && !tensors.has(slot.name);
  std::vector<std::uint64_t> shape{slot.cols};
  if (slot.rows != 0) shape.insert(shape.begin(), slot.rows);
  return tensors.floats(tied ? "model.embed_tokens.weight" : slot.name, shape);
}

}  // namespace

Result<gpu::F32Model> import_llama(const std::string& folder) {
  ASSIGN_OR_RETURN(const LlamaConfig config, read_config(folder + "/config.json"));
  ASSIGN_OR_RETURN(const TensorFolder tensors, TensorFolder::open(folder));
  const gpu::F32Layout layout(config.model);
  for (const std::string& name : tensors.names()) {
    const bool known = std::any_of(layout.slots.begin(), layout.slots.end(),
                                   [&](const gpu::TensorSlot& s) { return s.name == name; });
    // Tables of angles that old checkpoints carry along; they follow from the config.
    if (known || name.ends_with("rotary_emb.inv_freq")) continue;
    return fail(ErrorCode::kUnsupported,
                fmt::format("tensor {:?} has no place in a Llama model of {} layers", name,
                            config.model.layers));
  }
  gpu::F32Model model{config.model, gpu::AlignedVector<float>(layout.size)};
  for (const gpu::TensorSlot& slot : layout.slots) {
    ASSIGN_OR_RETURN(const auto values, read_slot(tensors, config, slot));
    std::copy(values.begin(), values.end(),
              model.values.begin() + static_cast<std::ptrdiff_t>(slot.offset));
  }
  return model;
}

Status export_llama(const gpu::F32Model& model, const std::string& folder) {
  const gpu::ModelConfig& c = model.config;
  const gpu::F32Layout layout(c);
  std::vector<TensorToWrite> tensors;
  for (const gpu::TensorSlot& slot : layout.slots) {
    std::vector<std::uint64_t> shape{slot.cols};
    if (slot.rows != 0) shape.insert(shape.begin(), slot.rows);
    tensors.push_back({slot.name, shape, model.values.data() + slot.offset});
  }
  const nlohmann::ordered_json config{{"architectures", {"LlamaForCausalLM"}},
                                      {"model_type", "llama"},
                                      {"hidden_size", c.dim},
                                      {"intermediate_size", c.hidden},
                                      {"num_hidden_layers", c.layers},
                                      {"num_attention_heads", c.heads},
                                      {"num_key_value_heads", c.heads},
                                      {"vocab_size", c.vocab},
                                      {"max_position_embeddings", c.context},
                                      {"rms_norm_eps", kNormEpsilon},
                                      {"rope_theta", kRopeTheta},
                                      {"hidden_act", "silu"},
                                      {"attention_bias", false},
                                      {"mlp_bias", false},
                                      {"tie_word_embeddings", false},
                                      {"torch_dtype", "float32"},
                                      {"bos_token_id", gpu::kTokenBos},
                                      {"eos_token_id", gpu::kTokenEos}};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return fail(ErrorCode::kIo, "cannot make " + folder + ": " + failed.message());
  TRY(report::write_file_atomically(folder + "/config.json", config.dump(2) + "\n"));
  const Bytes file = encode_safetensors(tensors, {{"format", "pt"}});
  return report::write_file_atomically(folder + "/model.safetensors", as_text(file));
}

}  // namespace orrery::model

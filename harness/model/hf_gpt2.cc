#include "harness/model/hf_gpt2.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "harness/model/config_reader.h"
#include "harness/model/json_text.h"
#include "harness/model/safetensors.h"

namespace orrery::model {
namespace {

using nlohmann::json;

Result<gpu::ModelConfig> read_config(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
  ASSIGN_OR_RETURN(const json root, parse_json(text, path));
  if (!root.is_object()) return fail(ErrorCode::kMalformed, path + ": not an object");
  ConfigReader in(root, path);
  in.only("model_type", "gpt2");
  gpu::ModelConfig c{.dim = in.count("n_embd"),
                     .layers = in.count("n_layer"),
                     .heads = in.count("n_head"),
                     .vocab = in.count("vocab_size"),
                     .family = gpu::Family::kGpt2};
  c.context = in.count("n_positions", in.count("n_ctx", 1024));
  in.require(c.dim <= 0x10000000u, "n_embd is out of range");
  TRY(in.status());
  c.hidden = in.count("n_inner", 4 * c.dim);
  in.only("activation_function", "gelu_new");
  in.only("layer_norm_epsilon", 1e-5);
  in.only("scale_attn_weights", true);
  in.only("scale_attn_by_inverse_layer_idx", false);
  TRY(in.status());
  if (const Status valid = gpu::validate(c); !valid) {
    return fail(ErrorCode::kUnsupported, path + ": " + valid.error().message);
  }
  return c;
}

// Tensors by their short names, each asked for once.
class Gpt2Tensors {
 public:
  explicit Gpt2Tensors(const TensorFolder& folder)
      : folder_(folder), prefix_(folder.has("transformer.wte.weight") ? "transformer." : "") {}

  bool has(const std::string& name) const { return folder_.has(name); }

  Status vector(const std::string& name, std::uint64_t size, std::vector<float>& out) {
    return tensor(prefix_ + name, {size}, out);
  }
  Status matrix(const std::string& name, std::uint64_t rows, std::uint64_t cols,
                std::vector<float>& out) {
    return tensor(prefix_ + name, {rows, cols}, out);
  }
  // Stored as inputs x outputs.
  Status turned(const std::string& name, std::uint64_t outputs, std::uint64_t inputs,
                std::vector<float>& out) {
    std::vector<float> stored;
    TRY(tensor(prefix_ + name, {inputs, outputs}, stored));
    out.resize(stored.size());
    for (std::uint64_t i = 0; i < inputs; ++i) {
      for (std::uint64_t o = 0; o < outputs; ++o) out[o * inputs + i] = stored[i * outputs + o];
    }
    return {};
  }
  Status tensor(const std::string& name, const std::vector<std::uint64_t>& shape,
                std::vector<float>& out) {
    ASSIGN_OR_RETURN(out, folder_.floats(name, shape));
    used_.insert(name);
    return {};
  }

  // Nothing may be left over except buffers of masks.
  Status all_used() const {
    for (const std::string& name : folder_.names()) {
      if (used_.contains(name) || name.ends_with(".attn.bias") ||
          name.ends_with(".attn.masked_bias")) {
        continue;
      }
      return fail(ErrorCode::kUnsupported,
                  fmt::format("tensor {:?} has no place in a GPT-2 model", name));
    }
    return {};
  }

 private:
  const TensorFolder& folder_;
  const std::string prefix_;
  std::set<std::string> used_;
};

Status read_layer(Gpt2Tensors& in, const std::string& at, const gpu::ModelConfig& c,
                  gpu::Gpt2Layer& out) {
  const std::uint64_t d = c.dim;
  TRY(in.vector(at + "ln_1.weight", d, out.attention_gain));
  TRY(in.vector(at + "ln_1.bias", d, out.attention_bias));
  TRY(in.turned(at + "attn.c_attn.weight", 3 * d, d, out.qkv));
  TRY(in.vector(at + "attn.c_attn.bias", 3 * d, out.qkv_bias));
  TRY(in.turned(at + "attn.c_proj.weight", d, d, out.out));
  TRY(in.vector(at + "attn.c_proj.bias", d, out.out_bias));
  TRY(in.vector(at + "ln_2.weight", d, out.mlp_gain));
  TRY(in.vector(at + "ln_2.bias", d, out.mlp_bias));
  TRY(in.turned(at + "mlp.c_fc.weight", c.hidden, d, out.up));
  TRY(in.vector(at + "mlp.c_fc.bias", c.hidden, out.up_bias));
  TRY(in.turned(at + "mlp.c_proj.weight", d, c.hidden, out.down));
  return in.vector(at + "mlp.c_proj.bias", d, out.down_bias);
}

}  // namespace

Result<gpu::Gpt2Model> import_gpt2(const std::string& folder) {
  ASSIGN_OR_RETURN(const gpu::ModelConfig c, read_config(folder + "/config.json"));
  ASSIGN_OR_RETURN(const TensorFolder tensors, TensorFolder::open(folder));
  Gpt2Tensors in(tensors);
  gpu::Gpt2Model model{.config = c};
  TRY(in.matrix("wte.weight", c.vocab, c.dim, model.embedding));
  TRY(in.matrix("wpe.weight", c.context, c.dim, model.positions));
  model.layers.resize(c.layers);
  for (std::uint32_t l = 0; l < c.layers; ++l) {
    TRY(read_layer(in, fmt::format("h.{}.", l), c, model.layers[l]));
  }
  TRY(in.vector("ln_f.weight", c.dim, model.final_gain));
  TRY(in.vector("ln_f.bias", c.dim, model.final_bias));
  model.head = model.embedding;
  if (in.has("lm_head.weight")) TRY(in.tensor("lm_head.weight", {c.vocab, c.dim}, model.head));
  TRY(in.all_used());
  return model;
}

}  // namespace orrery::model

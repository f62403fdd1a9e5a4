#include "gpu/api/f32_model.h"

#include <fmt/format.h>

#include <string_view>

#include "engine/base/ensure.h"
#include "engine/base/random.h"

namespace orrery::gpu {
namespace {

class LayoutBuilder {
 public:
  explicit LayoutBuilder(F32Layout& layout) : layout_(layout) {}

  std::size_t add(std::string name, std::uint32_t rows, std::uint32_t cols) {
    layout_.slots.push_back({std::move(name), rows, cols, next_});
    const std::size_t offset = next_;
    next_ += layout_.slots.back().size();
    return offset;
  }
  std::size_t end() const { return next_; }

 private:
  F32Layout& layout_;
  std::size_t next_ = 0;
};

// Mean 0, variance 1: twelve uniform values have variance 12 / 12. The sum is exact in integers
// and its one rounding to float is IEEE's.
float normal(RandomStream& random) {
  std::int64_t sum = 0;
  for (int i = 0; i < 6; ++i) {
    const std::uint64_t bits = random.next();
    sum += static_cast<std::int32_t>(bits) >> 8;
    sum += static_cast<std::int32_t>(bits >> 32) >> 8;
  }
  return static_cast<float>(sum) * 0x1p-24f;
}

bool writes_to_residual(std::string_view name) {
  return name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
}

}  // namespace

F32Layout::F32Layout(const ModelConfig& c) {
  LayoutBuilder add(*this);
  embedding = add.add("model.embed_tokens.weight", c.vocab, c.dim);
  for (std::uint32_t l = 0; l < c.layers; ++l) {
    const std::string at = fmt::format("model.layers.{}.", l);
    LayerOffsets layer{};
    layer.attention_norm = add.add(at + "input_layernorm.weight", 0, c.dim);
    layer.qkv = add.add(at + "self_attn.q_proj.weight", c.dim, c.dim);
    add.add(at + "self_attn.k_proj.weight", c.dim, c.dim);
    add.add(at + "self_attn.v_proj.weight", c.dim, c.dim);
    layer.out = add.add(at + "self_attn.o_proj.weight", c.dim, c.dim);
    layer.mlp_norm = add.add(at + "post_attention_layernorm.weight", 0, c.dim);
    layer.gate_up = add.add(at + "mlp.gate_proj.weight", c.hidden, c.dim);
    add.add(at + "mlp.up_proj.weight", c.hidden, c.dim);
    layer.down = add.add(at + "mlp.down_proj.weight", c.dim, c.hidden);
    layers.push_back(layer);
  }
  final_norm = add.add("model.norm.weight", 0, c.dim);
  head = add.add("lm_head.weight", c.vocab, c.dim);
  size = add.end();
}

F32Model make_f32_model(const ModelConfig& config, std::uint64_t seed) {
  ENSURE(validate(config).has_value(), "a valid model config");
  const F32Layout layout(config);
  F32Model model{config, AlignedVector<float>(layout.size, 1.0f)};
  // sqrt of an integer is IEEE's; no function of a mathematical library takes part.
  const float narrow = 0.02f / __builtin_sqrtf(static_cast<float>(2 * config.layers));
  for (const TensorSlot& slot : layout.slots) {
    if (slot.rows == 0) continue;
    RandomStream random(seed, 0, stream_id(slot.name));
    const float deviation = writes_to_residual(slot.name) ? narrow : 0.02f;
    for (std::size_t i = 0; i < slot.size(); ++i) {
      model.values[slot.offset + i] = deviation * normal(random);
    }
  }
  return model;
}

}  // namespace orrery::gpu

#include "gpu/cuda/device_model.h"

#include <cstring>
#include <span>

#include "gpu/api/exact/tables.h"

namespace orrery::gpu {
namespace {

DeviceMatrix take_matrix(Carver& carver, std::uint32_t rows, std::uint32_t cols, bool biased) {
  DeviceMatrix m{.rows = rows, .cols = cols, .stride = round_up(cols, kProductPadding)};
  m.weights = carver.take<std::int8_t>(std::size_t{m.padded_rows()} * m.stride);
  m.scales = carver.take<exact::SoftScale>(rows);
  if (biased) m.bias = carver.take<std::int32_t>(rows);
  return m;
}

NormView take_norm(Carver& carver, std::uint32_t dim, bool biased) {
  NormView norm{.gain = carver.take<std::int16_t>(dim)};
  if (biased) norm.bias = carver.take<std::int32_t>(dim);
  return norm;
}

class Uploader {
 public:
  explicit Uploader(Accelerator& accelerator) : accelerator_(accelerator) {}

  template <class T>
  void put(const T* to, std::span<const T> from) {
    accelerator_.upload(const_cast<T*>(to),
                        {reinterpret_cast<const std::uint8_t*>(from.data()), from.size_bytes()});
  }
  template <class T>
  void put(const T* to, const std::vector<T>& from) {
    put(to, std::span<const T>(from));
  }
  void put(const NormView& to, const std::vector<std::int16_t>& gain,
           const std::vector<std::int32_t>& bias) {
    put(to.gain, gain);
    if (to.bias != nullptr) put(to.bias, bias);
  }
  void put(const DeviceMatrix& to, const QuantMatrix& from, const std::vector<std::int32_t>& bias) {
    constexpr std::uint32_t kPanel = QuantMatrix::kPanel;
    constexpr std::uint32_t kGroup = QuantMatrix::kGroup;
    bytes_.assign(std::size_t{to.padded_rows()} * to.stride, 0);
    for (std::uint32_t p = 0; p < from.panels(); ++p) {
      for (std::uint32_t g = 0; g < from.groups(); ++g) {
        const std::int8_t* group = from.panel(p) + std::size_t{g} * kPanel * kGroup;
        for (std::uint32_t r = 0; r < kPanel; ++r) {
          std::memcpy(&bytes_[std::size_t{p * kPanel + r} * to.stride + g * kGroup],
                      group + r * kGroup, kGroup);
        }
      }
    }
    put(to.weights, bytes_);
    put(to.scales, from.scales());
    if (to.bias != nullptr) put(to.bias, bias);
  }

 private:
  Accelerator& accelerator_;
  std::vector<std::int8_t> bytes_;
};

}  // namespace

Result<std::unique_ptr<DeviceModel>> DeviceModel::make(Accelerator& accelerator,
                                                       const ModelArtefact& model) {
  std::unique_ptr<DeviceModel> made(new DeviceModel(model.config));
  Carver count(nullptr);
  made->lay_out(count);
  ASSIGN_OR_RETURN(made->arena_, Arena::make(accelerator, count.used()));
  Carver carver(made->arena_.memory());
  made->lay_out(carver);
  made->upload(accelerator, model);
  TRY(accelerator.finish());
  return made;
}

void DeviceModel::lay_out(Carver& carver) {
  const ModelConfig& c = config_;
  const bool gpt2 = c.family == Family::kGpt2;
  view_ = {.dim = c.dim,
           .hidden = c.hidden,
           .heads = c.heads,
           .width = c.head_dim(),
           .layers = c.layers,
           .gpt2 = gpt2,
           .logit_scale =
               exact::soft_mul(exact::kLog2E, exact::soft_inverse(exact::soft_sqrt(c.head_dim())))};
  view_.embedding = carver.take<std::int32_t>(std::size_t{c.vocab} * c.dim);
  if (gpt2) {
    view_.positions = carver.take<std::int32_t>(std::size_t{c.context} * c.dim);
  } else {
    const std::size_t angles = std::size_t{c.context} * (c.head_dim() / 2);
    view_.cosine = carver.take<std::int32_t>(angles);
    view_.sine = carver.take<std::int32_t>(angles);
  }
  view_.exp2 = carver.take<std::int32_t>(exact::kExp2Entries);
  view_.activation = carver.take<std::int32_t>(exact::kSigmoidEntries);
  layers_.clear();
  for (std::uint32_t l = 0; l < c.layers; ++l) {
    layers_.push_back({.attention_norm = take_norm(carver, c.dim, gpt2),
                       .qkv = take_matrix(carver, 3 * c.dim, c.dim, gpt2),
                       .out = take_matrix(carver, c.dim, c.dim, gpt2),
                       .mlp_norm = take_norm(carver, c.dim, gpt2),
                       .gate_up = take_matrix(carver, gpt2 ? c.hidden : 2 * c.hidden, c.dim, gpt2),
                       .down = take_matrix(carver, c.dim, c.hidden, gpt2)});
  }
  view_.final_norm = take_norm(carver, c.dim, gpt2);
  view_.head = take_matrix(carver, c.vocab, c.dim, false);
}

void DeviceModel::upload(Accelerator& accelerator, const ModelArtefact& model) const {
  Uploader up(accelerator);
  up.put(view_.embedding, model.embedding);
  if (view_.gpt2) {
    up.put(view_.positions, model.positions);
  } else {
    up.put(view_.cosine, model.rope.cosine);
    up.put(view_.sine, model.rope.sine);
  }
  up.put(view_.exp2, std::span(exact::exp2_table(), exact::kExp2Entries));
  const std::int32_t* activation = view_.gpt2 ? exact::gelu_table() : exact::sigmoid_table();
  up.put(view_.activation, std::span(activation, exact::kSigmoidEntries));
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const LayerView& to = layers_[l];
    const LayerWeights& from = model.layers[l];
    up.put(to.attention_norm, from.attention_norm, from.bias.attention_norm);
    up.put(to.qkv, from.qkv, from.bias.qkv);
    up.put(to.out, from.out, from.bias.out);
    up.put(to.mlp_norm, from.mlp_norm, from.bias.mlp_norm);
    up.put(to.gate_up, from.gate_up, from.bias.gate_up);
    up.put(to.down, from.down, from.bias.down);
  }
  up.put(view_.final_norm, model.final_norm, model.final_norm_bias);
  up.put(view_.head, model.head, {});
}

}  // namespace orrery::gpu

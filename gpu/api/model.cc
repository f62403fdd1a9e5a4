#include "gpu/api/model.h"

#include <fmt/format.h>
#include <algorithm>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"
#include "gpu/api/exact/attention.h"
#include "gpu/api/exact/row.h"

namespace orrery::gpu {
namespace {

constexpr std::uint32_t kMagic = 0x4d49384f;  // "O8IM": Orrery int8 model
constexpr std::uint16_t kLlamaVersion = 1;
constexpr std::uint16_t kGpt2Version =
    2;  // positions follow the embedding, biases what they are added to
constexpr std::uint32_t kMaxLayers = 1024;
constexpr std::uint32_t kMaxVocab = 65'536;
constexpr std::uint64_t kMaxArtefactBytes = 10'000'000'000;  // one model, as the network allows it
constexpr std::size_t kHeaderBytes = 4 + 2 + 6 * 4;
constexpr std::size_t kScaleBytes = 4 + 2;

Status in_range(const char* name, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
  if (value >= low && value <= high) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("model {} is {}, outside [{}, {}]", name, value, low, high));
}

std::uint64_t matrix_size(std::uint64_t rows, std::uint64_t cols) {
  return rows * (cols + kScaleBytes);
}

void write_gains(Writer& out, const std::vector<std::int16_t>& gains) {
  for (std::int16_t g : gains) out.u16(static_cast<std::uint16_t>(g));
}

void read_gains(Reader& in, std::vector<std::int16_t>& gains) {
  for (std::int16_t& g : gains) g = static_cast<std::int16_t>(in.u16());
}

void write_q16(Writer& out, const std::vector<std::int32_t>& values) {
  for (std::int32_t v : values) out.u32(static_cast<std::uint32_t>(v));
}

void read_q16(Reader& in, std::vector<std::int32_t>& values) {
  for (std::int32_t& v : values) v = static_cast<std::int32_t>(in.u32());
}

void write_matrix(Writer& out, const QuantMatrix& matrix) {
  Bytes row(matrix.cols());
  for (std::uint32_t n = 0; n < matrix.rows(); ++n) {
    const exact::SoftScale scale = matrix.scales()[n];
    out.u32(scale.m).u16(static_cast<std::uint16_t>(scale.e));
    for (std::uint32_t k = 0; k < matrix.cols(); ++k) {
      row[k] = static_cast<std::uint8_t>(matrix.at(n, k));
    }
    out.raw(row);
  }
}

bool valid_scale(exact::SoftScale s) {
  if (s.m == 0) return s.e == 0;
  return s.m >> 30 == 1 && s.e >= -kMaxScaleExponent && s.e <= kMaxScaleExponent;
}

void read_matrix(Reader& in, QuantMatrix& matrix) {
  std::vector<std::int8_t> row(matrix.cols());
  for (std::uint32_t n = 0; n < matrix.rows() && in.ok(); ++n) {
    exact::SoftScale scale;
    scale.m = in.u32();
    scale.e = static_cast<std::int16_t>(in.u16());
    if (!valid_scale(scale)) in.fail("a weight scale is not normalised");
    const ByteView bytes = in.raw(matrix.cols());
    for (std::size_t k = 0; k < bytes.size(); ++k) row[k] = static_cast<std::int8_t>(bytes[k]);
    if (std::find(row.begin(), row.end(), INT8_MIN) != row.end()) in.fail("a weight is -128");
    if (in.ok()) matrix.set_row(n, row, scale);
  }
}

}  // namespace

Status validate(const ModelConfig& c) {
  TRY(in_range("dim", c.dim, 2, exact::kMaxNorm));
  TRY(in_range("hidden", c.hidden, 1, exact::kMaxInner));
  TRY(in_range("layers", c.layers, 1, kMaxLayers));
  TRY(in_range("heads", c.heads, 1, c.dim / 2));
  TRY(in_range("context", c.context, 1, exact::kMaxContext));
  TRY(in_range("vocab", c.vocab, kByteVocab, kMaxVocab));
  if (c.dim % c.heads != 0 || c.head_dim() % 2 != 0) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("model dim {} does not split into {} heads of even width", c.dim, c.heads));
  }
  return in_range("size in bytes", encoded_size(c), 1, kMaxArtefactBytes);
}

std::uint64_t encoded_size(const ModelConfig& c) {
  const std::uint64_t d = c.dim;
  const std::uint64_t h = c.hidden;
  const bool gpt2 = c.family == Family::kGpt2;
  const std::uint64_t biases = gpt2 ? 4 * (7 * d + h) : 0;
  const std::uint64_t layer = 2 * (2 * d) + matrix_size(3 * d, d) + matrix_size(d, d) +
                              matrix_size(gpt2 ? h : 2 * h, d) + matrix_size(d, h) + biases;
  const std::uint64_t more = gpt2 ? (std::uint64_t{c.context} + 1) * d * 4 : 0;
  return kHeaderBytes + c.vocab * d * 4 + c.layers * layer + 2 * d + matrix_size(c.vocab, d) + more;
}

std::uint64_t parameter_count(const ModelConfig& c) {
  const std::uint64_t d = c.dim;
  if (c.family == Family::kGpt2) {
    const std::uint64_t layer = 9 * d + 4 * d * d + 2 * d * c.hidden + c.hidden;
    return 2 * c.vocab * d + c.context * d + 2 * d + c.layers * layer;
  }
  return 2 * c.vocab * d + d + c.layers * (2 * d + 4 * d * d + 3 * d * c.hidden);
}

QuantMatrix::QuantMatrix(std::uint32_t rows, std::uint32_t cols) : rows_(rows), cols_(cols) {
  data_.resize(static_cast<std::size_t>(panels()) * groups() * kPanel * kGroup);
  scales_.resize(rows);
  row_sums_.resize(static_cast<std::size_t>(panels()) * kPanel);
}

void QuantMatrix::set_row(std::uint32_t row, std::span<const std::int8_t> values,
                          exact::SoftScale scale) {
  ENSURE(row < rows_ && values.size() == cols_, "a row of the matrix's shape");
  ENSURE(valid_scale(scale), "a normalised weight scale");
  std::int32_t sum = 0;
  for (std::uint32_t k = 0; k < cols_; ++k) {
    data_[index(row, k)] = values[k];
    sum += values[k];
  }
  scales_[row] = scale;
  row_sums_[row] = sum;
}

ModelArtefact empty_artefact(const ModelConfig& config) {
  ENSURE(validate(config).has_value(), "a valid model config");
  const std::uint32_t d = config.dim;
  const std::uint32_t h = config.hidden;
  const bool gpt2 = config.family == Family::kGpt2;
  LayerWeights layer{std::vector<std::int16_t>(d),
                     QuantMatrix(3 * d, d),
                     QuantMatrix(d, d),
                     std::vector<std::int16_t>(d),
                     QuantMatrix(gpt2 ? h : 2 * h, d),
                     QuantMatrix(d, h),
                     {}};
  ModelArtefact model;
  model.config = config;
  if (gpt2) {
    const std::vector<std::int32_t> narrow(d);
    layer.bias = {narrow, std::vector<std::int32_t>(3 * d), narrow,
                  narrow, std::vector<std::int32_t>(h),     narrow};
    model.positions.resize(static_cast<std::size_t>(config.context) * d);
    model.final_norm_bias.resize(d);
  } else {
    model.rope = make_rope_tables(config.context, config.head_dim() / 2);
  }
  model.embedding.resize(static_cast<std::size_t>(config.vocab) * d);
  model.layers.assign(config.layers, layer);
  model.final_norm.resize(d);
  model.head = QuantMatrix(config.vocab, d);
  return model;
}

Bytes ModelArtefact::encode() const {
  Writer out;
  out.u32(kMagic).u16(config.family == Family::kGpt2 ? kGpt2Version : kLlamaVersion);
  for (std::uint32_t v :
       {config.dim, config.hidden, config.layers, config.heads, config.context, config.vocab}) {
    out.u32(v);
  }
  write_q16(out, embedding);
  write_q16(out, positions);
  for (const LayerWeights& layer : layers) {
    write_gains(out, layer.attention_norm);
    write_q16(out, layer.bias.attention_norm);
    write_matrix(out, layer.qkv);
    write_q16(out, layer.bias.qkv);
    write_matrix(out, layer.out);
    write_q16(out, layer.bias.out);
    write_gains(out, layer.mlp_norm);
    write_q16(out, layer.bias.mlp_norm);
    write_matrix(out, layer.gate_up);
    write_q16(out, layer.bias.gate_up);
    write_matrix(out, layer.down);
    write_q16(out, layer.bias.down);
  }
  write_gains(out, final_norm);
  write_q16(out, final_norm_bias);
  write_matrix(out, head);
  return out.take();
}

Result<ModelArtefact> ModelArtefact::decode(ByteView bytes) {
  Reader in(bytes);
  if (in.u32() != kMagic) in.fail("not a model artefact");
  const std::uint16_t version = in.u16();
  if (version != kLlamaVersion && version != kGpt2Version) {
    in.fail("unknown version of the model artefact");
  }
  ModelConfig config;
  config.family = version == kGpt2Version ? Family::kGpt2 : Family::kLlama;
  for (std::uint32_t* v : {&config.dim, &config.hidden, &config.layers, &config.heads,
                           &config.context, &config.vocab}) {
    *v = in.u32();
  }
  if (!in.ok()) return tl::unexpected<Error>(in.finish().error());
  if (const Status valid = validate(config); !valid) {
    return fail(ErrorCode::kMalformed, valid.error().message);
  }
  // The context is the one size that costs memory (rope tables) without costing input bytes.
  if (encoded_size(config) != bytes.size()) {
    return fail(ErrorCode::kMalformed, fmt::format("the model's shape implies {} bytes, not {}",
                                                   encoded_size(config), bytes.size()));
  }
  ModelArtefact model = empty_artefact(config);
  read_q16(in, model.embedding);
  read_q16(in, model.positions);
  for (LayerWeights& layer : model.layers) {
    read_gains(in, layer.attention_norm);
    read_q16(in, layer.bias.attention_norm);
    read_matrix(in, layer.qkv);
    read_q16(in, layer.bias.qkv);
    read_matrix(in, layer.out);
    read_q16(in, layer.bias.out);
    read_gains(in, layer.mlp_norm);
    read_q16(in, layer.bias.mlp_norm);
    read_matrix(in, layer.gate_up);
    read_q16(in, layer.bias.gate_up);
    read_matrix(in, layer.down);
    read_q16(in, layer.bias.down);
  }
  read_gains(in, model.final_norm);
  read_q16(in, model.final_norm_bias);
  read_matrix(in, model.head);
  TRY(in.finish());
  return model;
}

Hash256 ModelArtefact::digest() const {
  return Sha256().update(as_bytes("orrery.model.v1")).update(encode()).finish();
}

}  // namespace orrery::gpu

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "engine/base/random.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/decoder.h"
#include "gpu/cpu/f32_network.h"
#include "gpu/fast/fast_model.h"

namespace orrery::gpu {
namespace {

constexpr ModelConfig kConfig{.dim = 48, .hidden = 120, .layers = 3, .heads = 3, .context = 64};

std::vector<std::uint32_t> tokens(std::size_t count) {
  std::vector<std::uint32_t> out{kTokenBos};
  for (std::size_t i = 1; i < count; ++i) out.push_back(static_cast<std::uint32_t>(i * 37 % 251));
  return out;
}

// Root mean square of the difference over that of `b`.
double relative(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  double off = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    off += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(off / size);
}

// Independent roundings: 4 u sqrt(K) a product of length K (tests/python/compare_fast_mode.py),
// here of all products on the way: 3 * (48 + 16 + 40 + 48 + 48 + 120) + 48 = 1008.
const double kRounding = 4 * 0x1p-24 * std::sqrt(1008.0);

TEST(FastDecoder, GivesTheLogitsOfTheExactNetworkUpToRounding) {
  F32Model model = make_f32_model(kConfig, 3);
  for (float& v : model.values) v *= 4;  // far from linear
  F32Network network(kConfig, available_kernels().back());
  const auto text = tokens(40);
  network.loss(model, {text, text, 1, 40});
  const FastModel fast = fast_model(model);
  FastDecoder decoder(fast, FastPrecision::kF32);
  decoder.append(text);
  EXPECT_LT(relative(decoder.logits(), network.logits()), kRounding);
}

TEST(FastDecoder, IsTheSameForOneTokenAfterTheOtherUpToRounding) {
  const FastModel fast = fast_model(make_seeded_model(kConfig, 5));
  const auto text = tokens(40);
  FastDecoder at_once(fast, FastPrecision::kF32), in_turn(fast, FastPrecision::kF32);
  at_once.append(text);
  in_turn.append(std::span(text).first(7));
  std::vector<float> hidden(in_turn.hidden().begin(), in_turn.hidden().end());
  for (std::size_t i = 7; i < text.size(); ++i) {
    in_turn.append({&text[i], 1});
    hidden.insert(hidden.end(), in_turn.hidden().begin(), in_turn.hidden().end());
  }
  EXPECT_EQ(in_turn.position(), 40u);
  EXPECT_LT(relative(hidden, at_once.hidden()), kRounding);
}

// What exact-i8 does to activations costs a few percent; both families have their own norms,
// positions, biases and activations.
TEST(FastDecoder, MeansWhatTheArtefactMeans) {
  for (const Family family : {Family::kLlama, Family::kGpt2}) {
    ModelConfig config = kConfig;
    config.family = family;
    ModelArtefact artefact = empty_artefact(config);
    const ModelArtefact seeded = make_seeded_model(kConfig, 5);
    artefact.embedding = seeded.embedding;
    artefact.final_norm = seeded.final_norm;
    artefact.head = seeded.head;
    RandomStream random(1, 0, stream_id("fast test"));
    const auto draw = [&](std::vector<std::int32_t>& values) {
      for (auto& v : values) v = static_cast<std::int32_t>(random.below(1 << 15)) - (1 << 14);
    };
    draw(artefact.positions);
    draw(artefact.final_norm_bias);
    for (std::size_t l = 0; l < config.layers; ++l) {
      LayerWeights& layer = artefact.layers[l];
      layer = seeded.layers[l];
      if (family == Family::kLlama) continue;
      layer.bias = empty_artefact(config).layers[l].bias;
      layer.gate_up = QuantMatrix(config.hidden, config.dim);
      std::vector<std::int8_t> row(config.dim);
      for (std::uint32_t n = 0; n < config.hidden; ++n) {
        for (std::uint32_t k = 0; k < config.dim; ++k) row[k] = seeded.layers[l].gate_up.at(n, k);
        layer.gate_up.set_row(n, row, seeded.layers[l].gate_up.scales()[n]);
      }
      LayerBiases& b = layer.bias;
      for (auto* bias : {&b.attention_norm, &b.qkv, &b.out, &b.mlp_norm, &b.gate_up, &b.down}) {
        draw(*bias);
      }
    }
    const FastModel fast = fast_model(artefact);
    FastDecoder decoder(fast, FastPrecision::kF32);
    Decoder exact(artefact, available_kernels().back(), 20);
    const auto text = tokens(20);
    exact.append(text, nullptr);
    std::vector<float> want;
    for (const std::int32_t z : exact.logits()) want.push_back(static_cast<float>(z) / 65536.0f);
    decoder.append(text);
    const auto logits = decoder.logits();
    EXPECT_LT(relative(std::span(logits).last(config.vocab), want), 0.06)
        << (family == Family::kLlama ? "Llama" : "GPT-2");
  }
}

// One token of a GPT-2 model in double precision: attention returns its value.
class Gpt2Token {
 public:
  using Real = std::vector<double>;

  static Real hidden(const Gpt2Model& m, std::uint32_t token) {
    const std::size_t d = m.config.dim;
    Real x(d);
    for (std::size_t i = 0; i < d; ++i) {
      x[i] = double{m.embedding[token * d + i]} + double{m.positions[i]};
    }
    for (const Gpt2Layer& l : m.layers) {
      const Real qkv = linear(l.qkv, l.qkv_bias, norm(x, l.attention_gain, l.attention_bias));
      const Real value(qkv.begin() + static_cast<std::ptrdiff_t>(2 * d), qkv.end());
      add(x, linear(l.out, l.out_bias, value));
      Real u = linear(l.up, l.up_bias, norm(x, l.mlp_gain, l.mlp_bias));
      for (double& v : u) {
        v = v / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
      }
      add(x, linear(l.down, l.down_bias, u));
    }
    return norm(x, m.final_gain, m.final_bias);
  }

 private:
  static void add(Real& x, const Real& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  static Real linear(const std::vector<float>& w, const std::vector<float>& b, const Real& x) {
    Real y(b.begin(), b.end());
    for (std::size_t n = 0; n < y.size(); ++n) {
      for (std::size_t k = 0; k < x.size(); ++k) y[n] += double{w[n * x.size() + k]} * x[k];
    }
    return y;
  }
  static Real norm(const Real& x, const std::vector<float>& gain, const std::vector<float>& bias) {
    const auto n = static_cast<double>(x.size());
    const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
    double squares = 0;
    for (const double v : x) squares += (v - mean) * (v - mean);
    Real y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i] = (x[i] - mean) / std::sqrt(squares / n + 1e-5) * double{gain[i]} + double{bias[i]};
    }
    return y;
  }
};

TEST(FastDecoder, ReadsGpt2AsItsFormulasSay) {
  ModelConfig c = kConfig;
  c.family = Family::kGpt2;
  RandomStream random(2, 0, stream_id("fast test"));
  const auto draw = [&](std::size_t count, float about = 0) {
    std::vector<float> out(count);
    for (float& v : out) {
      v = about + static_cast<float>(static_cast<std::int32_t>(random.next())) * 0x1p-32f;
    }
    return out;
  };
  const std::size_t d = c.dim, h = c.hidden;
  Gpt2Model m{.config = c, .embedding = draw(c.vocab * d), .positions = draw(c.context * d)};
  for (std::uint32_t l = 0; l < c.layers; ++l) {
    m.layers.push_back({draw(d, 1), draw(d), draw(3 * d * d), draw(3 * d), draw(d * d), draw(d),
                        draw(d, 1), draw(d), draw(h * d), draw(h), draw(d * h), draw(d)});
  }
  m.final_gain = draw(d, 1);
  m.final_bias = draw(d);
  m.head = draw(c.vocab * d);
  const FastModel fast = fast_model(m);
  FastDecoder decoder(fast, FastPrecision::kF32);
  const std::uint32_t token = 77;
  decoder.append({&token, 1});
  const auto want = Gpt2Token::hidden(m, token);
  EXPECT_LT(relative(decoder.hidden(), std::vector<float>(want.begin(), want.end())), kRounding);
}

TEST(FastDecoder, InBfloat16DiffersByAboutItsPrecision) {
  const FastModel fast = fast_model(make_seeded_model(kConfig, 5));
  FastDecoder full(fast, FastPrecision::kF32), narrow(fast, FastPrecision::kBf16);
  full.append(tokens(40));
  narrow.append(tokens(40));
  const double off = relative(narrow.hidden(), full.hidden());
  EXPECT_GT(off, 0x1p-9);
  EXPECT_LT(off, 0.1);
}

TEST(Bfloat16, RoundsToNearestEven) {
  EXPECT_EQ(from_bf16(to_bf16(1.0f)), 1.0f);
  EXPECT_EQ(from_bf16(to_bf16(1.0f + 0x1p-8f)), 1.0f) << "a tie goes to the even neighbour";
  EXPECT_EQ(from_bf16(to_bf16(1.0f + 0x1.8p-7f)), 1.0f + 0x1p-6f);
  EXPECT_EQ(from_bf16(to_bf16(1.0f + 0x1.1p-8f)), 1.0f + 0x1p-7f);
  EXPECT_EQ(to_bf16(-std::numeric_limits<float>::infinity()), 0xff80);
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::numeric_limits<float>::quiet_NaN()))));
}

}  // namespace
}  // namespace orrery::gpu

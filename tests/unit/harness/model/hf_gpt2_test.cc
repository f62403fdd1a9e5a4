// GPT-2: from the files of the transformers library to exact-i8, against a double-precision model
// written from the architecture's definition.
#include "harness/model/hf_gpt2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/random.h"
#include "gpu/cpu/batch_decoder.h"
#include "gpu/cpu/decoder.h"
#include "harness/model/safetensors.h"

namespace orrery::model {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::uint32_t kDim = 48;
constexpr std::uint32_t kHeads = 3;
constexpr std::uint32_t kLayers = 2;
constexpr std::uint32_t kVocab = 300;
constexpr std::uint32_t kContext = 40;

struct Tensor {
  std::vector<std::uint64_t> shape;
  std::vector<float> values;
};
using Checkpoint = std::map<std::string, Tensor>;

Checkpoint random_checkpoint(const std::string& prefix) {
  Checkpoint all;
  const auto add = [&](const std::string& name, std::vector<std::uint64_t> shape, double middle,
                       double spread) {
    RandomStream random(11, 0, stream_id(name));
    Tensor t{std::move(shape), {}};
    std::uint64_t n = 1;
    for (const auto d : t.shape) n *= d;
    for (std::uint64_t i = 0; i < n; ++i) {
      const double u = static_cast<double>(random.next() >> 11) * 0x1p-52 - 1;
      t.values.push_back(static_cast<float>(middle + spread * u));
    }
    all[prefix + name] = std::move(t);
  };
  add("wte.weight", {kVocab, kDim}, 0, 0.5);
  add("wpe.weight", {kContext, kDim}, 0, 0.3);
  for (std::uint32_t l = 0; l < kLayers; ++l) {
    const std::string h = "h." + std::to_string(l) + ".";
    for (const char* ln : {"ln_1.", "ln_2."}) {
      add(h + ln + "weight", {kDim}, 1.1, 1.2);  // some beyond 2
      add(h + ln + "bias", {kDim}, 0, 0.4);
    }
    add(h + "attn.c_attn.weight", {kDim, 3 * kDim}, 0, 0.25);
    add(h + "attn.c_attn.bias", {3 * kDim}, 0, 0.2);
    add(h + "attn.c_proj.weight", {kDim, kDim}, 0, 0.25);
    add(h + "attn.c_proj.bias", {kDim}, 0, 0.2);
    add(h + "mlp.c_fc.weight", {kDim, 4 * kDim}, 0, 0.25);
    add(h + "mlp.c_fc.bias", {4 * kDim}, 0, 0.2);
    add(h + "mlp.c_proj.weight", {4 * kDim, kDim}, 0, 0.12);
    add(h + "mlp.c_proj.bias", {kDim}, 0, 0.2);
    add(h + "attn.bias", {1, 1, 2, 2}, 0, 1);  // a mask, ignored
  }
  add("ln_f.weight", {kDim}, 1, 0.3);
  add("ln_f.bias", {kDim}, 0, 0.3);
  return all;
}

using Real = std::vector<double>;

class RealGpt2 {
 public:
  explicit RealGpt2(const Checkpoint& c) : c_(c), keys_(kLayers), values_(kLayers) {}

  Real append(std::uint32_t token) {
    Real x(kDim);
    for (std::uint32_t i = 0; i < kDim; ++i) {
      x[i] = at("wte.weight")[token * kDim + i] + at("wpe.weight")[position_ * kDim + i];
    }
    for (std::uint32_t l = 0; l < kLayers; ++l) {
      const std::string h = "h." + std::to_string(l) + ".";
      add(x, linear(h + "attn.c_proj", attend(l, linear(h + "attn.c_attn", norm(x, h + "ln_1")))));
      Real inner = linear(h + "mlp.c_fc", norm(x, h + "ln_2"));
      for (double& v : inner) {
        v *= 0.5 * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
      }
      add(x, linear(h + "mlp.c_proj", inner));
    }
    ++position_;
    const Real y = norm(x, "ln_f");
    Real logits(kVocab);
    for (std::uint32_t n = 0; n < kVocab; ++n) {
      for (std::uint32_t i = 0; i < kDim; ++i) logits[n] += y[i] * at("wte.weight")[n * kDim + i];
    }
    return logits;
  }

 private:
  const std::vector<float>& at(const std::string& name) const { return c_.at(name).values; }
  static void add(Real& x, const Real& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  Real norm(const Real& x, const std::string& name) const {
    double mean = 0;
    for (const double v : x) mean += v / kDim;
    double variance = 0;
    for (const double v : x) variance += (v - mean) * (v - mean) / kDim;
    Real y(kDim);
    for (std::uint32_t i = 0; i < kDim; ++i) {
      y[i] = (x[i] - mean) / std::sqrt(variance + 1e-5) * at(name + ".weight")[i] +
             at(name + ".bias")[i];
    }
    return y;
  }
  Real linear(const std::string& name, const Real& x) const {
    const auto& bias = at(name + ".bias");
    Real y(bias.begin(), bias.end());
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t o = 0; o < y.size(); ++o) {
        y[o] += x[i] * at(name + ".weight")[i * y.size() + o];
      }
    }
    return y;
  }
  Real attend(std::uint32_t l, const Real& qkv) {
    keys_[l].emplace_back(qkv.begin() + kDim, qkv.begin() + 2 * kDim);
    values_[l].emplace_back(qkv.begin() + 2 * kDim, qkv.end());
    constexpr std::uint32_t kWidth = kDim / kHeads;
    Real out(kDim);
    for (std::uint32_t start = 0; start < kDim; start += kWidth) {
      Real weights;
      double sum = 0;
      for (const Real& key : keys_[l]) {
        double dot = 0;
        for (std::uint32_t i = start; i < start + kWidth; ++i) dot += qkv[i] * key[i];
        weights.push_back(std::exp(dot / std::sqrt(kWidth)));
        sum += weights.back();
      }
      for (std::size_t t = 0; t < weights.size(); ++t) {
        for (std::uint32_t i = start; i < start + kWidth; ++i) {
          out[i] += weights[t] / sum * values_[l][t][i];
        }
      }
    }
    return out;
  }

  const Checkpoint& c_;
  std::vector<std::vector<Real>> keys_;
  std::vector<std::vector<Real>> values_;
  std::uint32_t position_ = 0;
};

class HfGpt2 : public testing::Test {
 protected:
  ~HfGpt2() override { std::filesystem::remove_all(folder_); }

  void write(const Checkpoint& checkpoint, const json& change = json::object()) const {
    std::filesystem::create_directories(folder_);
    std::vector<TensorToWrite> tensors;
    for (const auto& [name, t] : checkpoint) {
      tensors.push_back({name, t.shape, t.values.data()});
    }
    std::ofstream(folder_ + "/model.safetensors", std::ios::binary)
        << as_text(encode_safetensors(tensors, {}));
    json config{{"model_type", "gpt2"},
                {"n_embd", kDim},
                {"n_head", kHeads},
                {"n_layer", kLayers},
                {"n_positions", kContext},
                {"vocab_size", kVocab},
                {"activation_function", "gelu_new"},
                {"layer_norm_epsilon", 1e-5}};
    config.merge_patch(change);
    std::ofstream(folder_ + "/config.json") << config.dump();
  }

  std::string folder_ = testing::TempDir() + "orrery_hf_gpt2_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(HfGpt2, ExactI8StaysNearTheDoublePrecisionModelOnEveryKernel) {
  const Checkpoint checkpoint = random_checkpoint("");
  write(checkpoint);
  const auto model = import_gpt2(folder_);
  ASSERT_TRUE(model) << model.error().message;
  const auto artefact = gpu::quantise_model(*model);
  ASSERT_TRUE(artefact) << artefact.error().message;
  const auto again = gpu::ModelArtefact::decode(artefact->encode());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->digest(), artefact->digest());

  std::vector<std::vector<std::int32_t>> portable;
  for (const gpu::Kernel kernel : gpu::available_kernels()) {
    gpu::Decoder decoder(*again, kernel, kContext);
    RealGpt2 reference(checkpoint);
    double error = 0;
    double size = 0;
    for (std::uint32_t i = 0; i < kContext; ++i) {
      const std::uint32_t token = (i * 131 + 7) % kVocab;
      decoder.append({&token, 1}, nullptr);
      const auto got = decoder.logits();
      const Real want = reference.append(token);
      for (std::uint32_t n = 0; n < kVocab; ++n) {
        error += std::pow(got[n] / 65536.0 - want[n], 2);
        size += want[n] * want[n];
      }
      if (kernel == gpu::Kernel::kPortable) portable.emplace_back(got.begin(), got.end());
      ASSERT_TRUE(std::equal(got.begin(), got.end(), portable[i].begin())) << i;
    }
    EXPECT_EQ(decoder.clamps(), 0u);
    EXPECT_LT(std::sqrt(error / size), 0.04);  // measured 0.020
  }
}

TEST_F(HfGpt2, PrefillGivesTheBitsOfDecoding) {
  write(random_checkpoint("transformer."));
  const auto model = import_gpt2(folder_);
  ASSERT_TRUE(model) << model.error().message;
  const gpu::ModelArtefact artefact = *gpu::quantise_model(*model);
  const std::vector<std::uint32_t> tokens{5, 299, 7, 7, 100, 256, 3, 1, 42};
  gpu::Decoder whole(artefact, gpu::available_kernels().back(), kContext);
  whole.append(tokens, nullptr);
  gpu::Decoder single(artefact, gpu::Kernel::kPortable, kContext);
  for (const auto t : tokens) single.append({&t, 1}, nullptr);
  EXPECT_TRUE(std::ranges::equal(whole.logits(), single.logits()));
}

TEST_F(HfGpt2, WhatDoesNotFitIsRefusedByName) {
  const Checkpoint good = random_checkpoint("");
  const auto refusal = [&](const Checkpoint& checkpoint, const json& change = json::object()) {
    write(checkpoint, change);
    const auto model = import_gpt2(folder_);
    return model ? "accepted" : model.error().message;
  };
  EXPECT_EQ(refusal(good), "accepted");
  EXPECT_THAT(refusal(good, {{"activation_function", "relu"}}), HasSubstr("activation_function"));
  EXPECT_THAT(refusal(good, {{"n_layer", 3}}), HasSubstr("h.2.ln_1.weight"));
  EXPECT_THAT(refusal(good, {{"n_layer", 1}}), HasSubstr("has no place"));
  EXPECT_THAT(refusal(good, {{"n_inner", 100}}), HasSubstr("h.0.mlp.c_fc.weight"));
  EXPECT_THAT(refusal(good, {{"vocab_size", 301}}), HasSubstr("wte.weight"));
  EXPECT_THAT(refusal(good, {{"model_type", "opt"}}), HasSubstr("model_type"));
  Checkpoint extra = good;
  extra["h.0.attn.rotary"] = extra["ln_f.bias"];
  EXPECT_THAT(refusal(extra), HasSubstr("h.0.attn.rotary"));
}

}  // namespace
}  // namespace orrery::model

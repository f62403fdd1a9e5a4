#include "harness/model/hf_llama.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gpu/cpu/quantise.h"
#include "harness/model/json_text.h"
#include "harness/model/safetensors.h"

namespace orrery::model {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr gpu::ModelConfig kConfig{.dim = 32, .hidden = 48, .layers = 2, .heads = 4, .context = 64};

class HfLlama : public testing::Test {
 protected:
  ~HfLlama() override { std::filesystem::remove_all(folder_); }

  // Changes config.json and tries to import; the error's text.
  std::string refusal(const json& change) const {
    EXPECT_TRUE(export_llama(gpu::make_f32_model(kConfig, 1), folder_));
    json config = json::parse(*read_text_file(folder_ + "/config.json"));
    config.merge_patch(change);
    std::ofstream(folder_ + "/config.json") << config.dump();
    const auto model = import_llama(folder_);
    return model ? "accepted" : model.error().message;
  }

  std::string folder_ = testing::TempDir() + "orrery_hf_llama_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(HfLlama, AModelComesBackToTheBitAndGivesTheSameArtefact) {
  const gpu::F32Model model = gpu::make_f32_model(kConfig, 9);
  ASSERT_TRUE(export_llama(model, folder_));
  const auto read = import_llama(folder_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->config, model.config);
  EXPECT_EQ(read->values, model.values);
  const auto artefact = gpu::quantise_model(*read);
  ASSERT_TRUE(artefact);
  EXPECT_EQ(to_hex(artefact->digest()),
            "7bce1644faa9f3aedfb648d7928e355368acd3969dd4ffd68a38cc320b975235");
}

TEST_F(HfLlama, WhatExactI8CannotExpressIsRefusedByName) {
  EXPECT_EQ(refusal(json::object()), "accepted");
  EXPECT_THAT(refusal({{"rope_theta", 500000.0}}), HasSubstr("\"rope_theta\" is 500000.0"));
  EXPECT_THAT(refusal({{"rope_scaling", {{"type", "linear"}}}}), HasSubstr("rope_scaling"));
  EXPECT_THAT(refusal({{"rms_norm_eps", 1e-6}}), HasSubstr("rms_norm_eps"));
  EXPECT_THAT(refusal({{"hidden_act", "gelu"}}), HasSubstr("hidden_act"));
  EXPECT_THAT(refusal({{"attention_bias", true}}), HasSubstr("attention_bias"));
  EXPECT_THAT(refusal({{"model_type", "mistral"}}), HasSubstr("model_type"));
  EXPECT_THAT(refusal({{"hidden_size", nullptr}}), HasSubstr("\"hidden_size\" is missing"));
  EXPECT_THAT(refusal({{"hidden_size", -3}}), HasSubstr("not a positive count"));
  EXPECT_THAT(refusal({{"num_attention_heads", 5}}), HasSubstr("head"));
  EXPECT_THAT(refusal({{"num_hidden_layers", 1}}), HasSubstr("has no place"));
  EXPECT_THAT(refusal({{"num_hidden_layers", 3}}), HasSubstr("no tensor"));
  EXPECT_THAT(refusal({{"intermediate_size", 50}}), HasSubstr("has shape [48, 32]"));
  EXPECT_THAT(refusal({{"vocab_size", 100}}), HasSubstr("vocab"));
}

// Two query heads share a key-value head; copied heads must be the shared ones.
TEST_F(HfLlama, SharedKeyValueHeadsAreCopied) {
  const gpu::F32Model model = gpu::make_f32_model(kConfig, 3);
  const gpu::F32Layout layout(kConfig);
  std::vector<TensorToWrite> tensors;
  for (const gpu::TensorSlot& slot : layout.slots) {
    std::vector<std::uint64_t> shape{slot.cols};
    if (slot.rows != 0) shape.insert(shape.begin(), slot.rows);
    if (slot.name.ends_with("k_proj.weight") || slot.name.ends_with("v_proj.weight")) {
      shape[0] = 16;  // the first two of four heads
    }
    if (slot.name == "lm_head.weight") continue;
    tensors.push_back({slot.name, shape, model.values.data() + slot.offset});
  }
  EXPECT_EQ(refusal({{"num_key_value_heads", 2}}),
            "tensor \"model.layers.0.self_attn.k_proj.weight\""
            " has shape [32, 32], the config implies [16, 32]");
  json config = json::parse(*read_text_file(folder_ + "/config.json"));
  config["num_key_value_heads"] = 2;
  config["tie_word_embeddings"] = true;
  std::ofstream(folder_ + "/config.json") << config.dump();
  const Bytes file = encode_safetensors(tensors, {});
  std::ofstream(folder_ + "/model.safetensors", std::ios::binary) << as_text(file);
  const auto read = import_llama(folder_);
  ASSERT_TRUE(read) << read.error().message;
  const std::size_t head = 8 * 32;
  const float* keys = read->values.data() + layout.layers[1].qkv + 4 * head;
  const float* stored = model.values.data() + layout.layers[1].qkv + 4 * head;
  for (std::size_t h = 0; h < 4; ++h) {
    EXPECT_TRUE(std::equal(keys + h * head, keys + (h + 1) * head, stored + h / 2 * head)) << h;
  }
  EXPECT_TRUE(std::equal(read->values.begin(), read->values.begin() + 258 * 32,
                         read->values.begin() + static_cast<std::ptrdiff_t>(layout.head)));
}

}  // namespace
}  // namespace orrery::model

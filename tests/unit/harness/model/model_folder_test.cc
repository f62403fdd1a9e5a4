#include "harness/model/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gpu/cpu/cpu_backend.h"
#include "harness/model/evaluate.h"
#include "harness/model/hf_llama.h"
#include "harness/model/json_text.h"

namespace orrery::model {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ModelFolder : public testing::Test {
 protected:
  ~ModelFolder() override { std::filesystem::remove_all(folder_); }

  void write_model(std::uint32_t vocab = gpu::kByteVocab) const {
    const gpu::ModelConfig config{
        .dim = 32, .hidden = 48, .layers = 1, .heads = 2, .context = 48, .vocab = vocab};
    ASSERT_TRUE(export_llama(gpu::make_f32_model(config, 4), folder_));
    ASSERT_TRUE(build_artefact(folder_));
  }

  std::string folder_ = testing::TempDir() + "orrery_model_folder_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(ModelFolder, AnArtefactIsVerifiedAgainstItsCheckpointToTheByte) {
  write_model();
  const auto digest = verify_folder(folder_);
  ASSERT_TRUE(digest) << digest.error().message;
  EXPECT_EQ(*digest, read_artefact(folder_)->digest());
  std::string bytes = *read_text_file(folder_ + "/artefact.bin");
  bytes[5000] = static_cast<char>(bytes[5000] ^ 1);
  std::ofstream(folder_ + "/artefact.bin", std::ios::binary) << bytes;
  EXPECT_THAT(verify_folder(folder_).error().message, HasSubstr("byte 5000"));
}

TEST_F(ModelFolder, GeneratesInTheTokensOfItsTokenizer) {
  const std::string root = std::getenv("ORRERY_ROOT") != nullptr ? std::getenv("ORRERY_ROOT") : ".";
  const json cases =
      json::parse(*read_text_file(root + "/tests/unit/harness/model/tokenizer_cases.json"));
  write_model(500);
  EXPECT_FALSE(has_tokenizer(folder_));
  std::ofstream(folder_ + "/tokenizer.json") << cases["tokenizers"]["llama"].dump();
  EXPECT_TRUE(has_tokenizer(folder_));
  const gpu::SamplingParams params{.max_tokens = 9, .stop_on_eos = false};
  const gpu::CpuBackend cpu;
  const auto made = generate_text(cpu, folder_, "the dog", params, 1);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->tokens.size(), 9u);
  EXPECT_EQ(generate_text(cpu, folder_, "the dog", params, 2)->tokens, made->tokens);
  EXPECT_THAT(generate_text(cpu, folder_, std::string(400, 'x'), params, 1).error().message,
              HasSubstr("takes 1 to 48"));
}

TEST_F(ModelFolder, EvaluationOfAnUntrainedModelIsNearChanceAndNearItsReference) {
  write_model();
  std::vector<std::uint32_t> tokens;
  for (std::uint32_t i = 0; i < 120; ++i) tokens.push_back(i * 37 % 258);
  const auto e = evaluate(*import_llama(folder_), *read_artefact(folder_), tokens);
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->tokens, 47u + 47u + 23u);
  EXPECT_NEAR(e->reference_nats, 5.55, 0.05);  // ln 258
  EXPECT_NEAR(e->exact_nats, e->reference_nats, 0.001);
  EXPECT_LT(e->mean_kl, 1e-4);
  tokens[3] = 258;
  EXPECT_THAT(evaluate(*import_llama(folder_), *read_artefact(folder_), tokens).error().message,
              HasSubstr("token 258"));
}

}  // namespace
}  // namespace orrery::model

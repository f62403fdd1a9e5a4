#include "harness/model/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gpu/cpu/cpu_backend.h"
#include "harness/model/evaluate.h"
#include "harness/model/generate_text.h"
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
  const auto made = generate_text(cpu, folder_, {.prompt = "the dog", .params = params});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->tokens.size(), 9u);
  const TextRequest other{.prompt = "the dog", .params = params, .seed = 2};
  EXPECT_EQ(generate_text(cpu, folder_, other)->tokens, made->tokens) << "greedy draws nothing";
  const std::string longer(400, 'x');
  EXPECT_THAT(generate_text(cpu, folder_, {.prompt = longer, .params = params}).error().message,
              HasSubstr("takes 1 to 48"));
}

TEST_F(ModelFolder, TextComesInPiecesAndEndsBeforeAStopText) {
  write_model();
  const gpu::SamplingParams params{
      .max_tokens = 40, .temperature = gpu::kTemperatureOne, .stop_on_eos = false};
  const gpu::CpuBackend cpu;
  std::string pieces;
  std::size_t count = 0;
  TextRequest request{.prompt = "hi", .params = params, .seed = 3, .stops = {}, .on_text = {}};
  request.on_text = [&](std::string_view piece) {
    pieces += piece;
    count += piece.empty() ? 0 : 1;
  };
  const auto whole = generate_text(cpu, folder_, request);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(pieces, whole->text);
  EXPECT_GT(count, 30u);
  EXPECT_FALSE(whole->stopped);
  const auto result = cpu.generate(*read_artefact(folder_), as_bytes("hi"), params, 3);
  EXPECT_EQ(whole->text, as_text(result->output)) << "the same as a task of the chain";
  ASSERT_GE(whole->text.size(), 12u);
  request.stops = {"no such text at all, not even nearly", whole->text.substr(8, 3)};
  pieces.clear();
  const auto cut = generate_text(cpu, folder_, request);
  ASSERT_TRUE(cut) << cut.error().message;
  EXPECT_TRUE(cut->stopped);
  EXPECT_EQ(cut->text, whole->text.substr(0, whole->text.find(request.stops[1])));
  EXPECT_EQ(pieces, cut->text);
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

#include "harness/model/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "harness/model/gpt2_split.h"
#include "harness/model/json_text.h"

namespace orrery::model {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// Made by make_tokenizer_cases.py, from the definitions.
json cases() {
  const std::string root = std::getenv("ORRERY_ROOT") != nullptr ? std::getenv("ORRERY_ROOT") : ".";
  return json::parse(*read_text_file(root + "/tests/unit/harness/model/tokenizer_cases.json"));
}

TEST(Tokenizer, EncodesEveryCaseAsDefinedAndDecodesItBack) {
  const json all = cases();
  std::map<std::string, Tokenizer> tokenizers;
  for (const auto& [name, file] : all["tokenizers"].items()) {
    auto parsed = Tokenizer::parse(file.dump());
    ASSERT_TRUE(parsed) << name << ": " << parsed.error().message;
    tokenizers.emplace(name, std::move(*parsed));
  }
  for (const json& c : all["cases"]) {
    const auto text = c["text"].get<std::string>();
    const Tokenizer& tokenizer = tokenizers.at(c["tokenizer"].get<std::string>());
    const auto ids = tokenizer.encode(text);
    ASSERT_TRUE(ids) << ids.error().message;
    EXPECT_EQ(*ids, c["ids"].get<std::vector<std::uint32_t>>())
        << c["tokenizer"] << " " << c["text"];
    if (text.find('<') == std::string::npos) {
      EXPECT_EQ(tokenizer.decode(*ids), text);
    }
  }
}

TEST(Tokenizer, ByteLevelTakesAnyBytes) {
  const auto tokenizer = Tokenizer::parse(cases()["tokenizers"]["byte_level"].dump());
  std::string all;
  for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
  const auto ids = tokenizer->encode(all);
  ASSERT_TRUE(ids);
  EXPECT_EQ(tokenizer->decode(*ids), all);
}

TEST(Tokenizer, WhatItCannotReadIsNamed) {
  const json good = cases()["tokenizers"]["byte_level"];
  const auto refusal = [&](const json& change) {
    json file = good;
    file.merge_patch(change);
    const auto parsed = Tokenizer::parse(file.dump());
    return parsed ? "accepted" : parsed.error().message;
  };
  EXPECT_THAT(refusal(json::object()), "accepted");
  EXPECT_THAT(refusal({{"model", {{"type", "Unigram"}}}}), HasSubstr("Unigram"));
  EXPECT_THAT(refusal({{"model", {{"merges", {"zz zzz"}}}}}), HasSubstr("not all in the vocab"));
  EXPECT_THAT(refusal({{"model", {{"merges", {3}}}}}), HasSubstr("neither a text nor a pair"));
  EXPECT_THAT(refusal({{"model", {{"vocab", {{"zz", 0}}}}}}), HasSubstr("id 0 belongs to"));
  EXPECT_THAT(refusal({{"model", {{"vocab", {{"zz", -1}}}}}}), HasSubstr("no count"));
  EXPECT_THAT(refusal({{"normalizer", {{"type", "NFC"}}}}), HasSubstr("NFC"));
  EXPECT_THAT(refusal({{"pre_tokenizer", {{"type", "Whitespace"}, {"pretokenizers", nullptr}}}}),
              HasSubstr("Whitespace"));
  EXPECT_THAT(Tokenizer::parse("{").error().message, HasSubstr("not JSON"));
  EXPECT_THAT(Tokenizer::parse("{}").error().message, HasSubstr("model type"));
}

TEST(Gpt2Words, CutAsTheExpressionDoes) {
  EXPECT_THAT(gpt2_words("Hello world's  end 42!?\n\n x"),
              ElementsAre("Hello", " world", "'s", " ", " end", " 42", "!?", "\n\n", " x"));
  EXPECT_THAT(gpt2_words("a \n"), ElementsAre("a", " \n"));
  EXPECT_THAT(gpt2_words("\xff\xfe ok"), ElementsAre("\xff\xfe", " ok"));
  EXPECT_TRUE(gpt2_words("").empty());
}

TEST(Utf8, BrokenSequencesAreSingleBytes) {
  EXPECT_EQ(next_character("\xc3\xa9").code, 0xe9u);
  for (const char* broken : {"\xc3", "\xc0\x80", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(next_character(broken).bytes, 1u);
    EXPECT_GE(next_character(broken).code, kNoCharacter);
  }
  for (const std::uint32_t code : {0x24u, 0x7ffu, 0xffffu, 0x10ffffu}) {
    EXPECT_EQ(next_character(utf8(code)).code, code);
  }
}

}  // namespace
}  // namespace orrery::model

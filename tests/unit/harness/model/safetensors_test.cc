#include "harness/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace orrery::model {
namespace {

using testing::HasSubstr;

Bytes file_of(const std::string& header, std::size_t data_bytes) {
  Bytes file(8 + header.size() + data_bytes);
  const std::uint64_t length = header.size();
  std::memcpy(file.data(), &length, 8);
  std::copy(header.begin(), header.end(), file.begin() + 8);
  return file;
}

std::string refusal(const std::string& header, std::size_t data_bytes) {
  const auto parsed = Safetensors::parse(file_of(header, data_bytes));
  return parsed ? "accepted" : parsed.error().message;
}

TEST(Safetensors, WhatIsWrittenIsReadBack) {
  const float values[] = {1, 2, 3, 4, 5, 6, -0.5f};
  const auto file = Safetensors::parse(encode_safetensors(
      {{"w", {2, 3}, values}, {"s", {}, values + 6}, {"e", {0, 9}, values}}, {{"format", "pt"}}));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->metadata().at("format"), "pt");
  EXPECT_EQ(*file->floats(*file->find("w")), std::vector<float>(values, values + 6));
  EXPECT_EQ(*file->floats(*file->find("s")), std::vector<float>{-0.5f});
  EXPECT_TRUE(file->floats(*file->find("e"))->empty());
  EXPECT_EQ(file->find("absent"), nullptr);
}

TEST(Safetensors, NarrowFloatsAreReadExactly) {
  Bytes file = file_of(R"({"h":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]}})",
                       12);
  const std::uint16_t bits[] = {0x3c00, 0xc100, 0x0001, 0x7bff, 0x3fc0, 0xc2f7};
  std::memcpy(file.data() + file.size() - 12, bits, 12);
  const auto read = Safetensors::parse(file);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read->floats(*read->find("h")), (std::vector<float>{1.0f, -2.5f, 0x1p-24f, 65504.0f}));
  EXPECT_EQ(*read->floats(*read->find("b")), (std::vector<float>{1.5f, -123.5f}));
}

TEST(Safetensors, EachBrokenPromiseIsNamed) {
  const std::string good = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  EXPECT_EQ(refusal("{" + good + "}", 8), "accepted");
  EXPECT_EQ(refusal("{" + good + "}   ", 8), "accepted");
  EXPECT_THAT(refusal("{" + good + "}", 12), HasSubstr("the file holds 12"));
  EXPECT_THAT(refusal("{" + good + "}", 4), HasSubstr("the file holds 4"));
  EXPECT_THAT(refusal("{" + good + "," + good + "}", 8), HasSubstr("comes twice"));
  EXPECT_THAT(refusal(" {" + good + "}", 8), HasSubstr("does not begin with {"));
  EXPECT_THAT(refusal("[1]", 0), HasSubstr("does not begin with {"));
  EXPECT_THAT(refusal("{\"a\":", 0), HasSubstr("not JSON"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8),
              HasSubstr("unknown dtype"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8),
              HasSubstr("does not take 8 bytes"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8),
              HasSubstr("not a count"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8),
              HasSubstr("not [begin, end]"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8),
              HasSubstr("no more"));
  EXPECT_THAT(refusal("{" + good + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8),
              HasSubstr("begins at byte 4"));
  EXPECT_THAT(
      refusal("{" + good + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})", 16),
      HasSubstr("begins at byte 12"));
  EXPECT_THAT(
      refusal(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
      HasSubstr("does not take 0 bytes"));
  EXPECT_THAT(refusal(R"({"__metadata__":{"k":1}})", 0), HasSubstr("is not a string"));
  Bytes longer = file_of("{}", 0);
  longer[0] = 3;
  EXPECT_FALSE(Safetensors::parse(longer));
  EXPECT_FALSE(Safetensors::parse({1, 2, 3}));
}

class TensorFolderTest : public testing::Test {
 protected:
  TensorFolderTest() { std::filesystem::create_directories(folder_); }
  ~TensorFolderTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
  }
  void write_shard(const std::string& name, const std::string& tensor, float value) const {
    const Bytes file = encode_safetensors({{tensor, {1}, &value}}, {});
    write(name, std::string(as_text(file)));
  }
  std::string folder_ = testing::TempDir() + "orrery_tensor_folder_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(TensorFolderTest, ShardsAreReadThroughTheirIndex) {
  write_shard("m-1.safetensors", "a", 1);
  write_shard("m-2.safetensors", "b", 2);
  write("model.safetensors.index.json",
        R"({"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})");
  const auto open = TensorFolder::open(folder_);
  ASSERT_TRUE(open) << open.error().message;
  EXPECT_EQ(*open->floats("b", {1}), std::vector<float>{2});
  EXPECT_THAT(open->floats("b", {2}).error().message, HasSubstr("has shape [1]"));
  EXPECT_EQ(open->floats("c", {1}).error().code, ErrorCode::kNotFound);
}

TEST_F(TensorFolderTest, IndexesThatDoNotFitAreRefused) {
  EXPECT_EQ(TensorFolder::open(folder_).error().code, ErrorCode::kNotFound);
  write_shard("m-1.safetensors", "a", 1);
  const auto refused = [&](const std::string& index) {
    write("model.safetensors.index.json", index);
    const auto open = TensorFolder::open(folder_);
    return open ? "accepted" : open.error().message;
  };
  EXPECT_THAT(refused(R"({"weight_map":{"a":"m-1.safetensors","b":"m-1.safetensors"}})"),
              HasSubstr("has no tensor \"b\""));
  EXPECT_THAT(refused(R"({"weight_map":{"a":"../m-1.safetensors"}})"), HasSubstr("not a file"));
  EXPECT_THAT(refused(R"({"weight_map":{}})"), HasSubstr("accepted"));
  EXPECT_THAT(refused(R"({"map":{}})"), HasSubstr("weight_map"));
}

}  // namespace
}  // namespace orrery::model

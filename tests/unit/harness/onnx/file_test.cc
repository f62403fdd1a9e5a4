#include "harness/onnx/file.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/harness/onnx/builder.h"

namespace orrery::onnx {
namespace {

TEST(OnnxTensors, ComeBackFromTheirBytes) {
  for (const Type type : {Type::kFloat, Type::kDouble, Type::kFloat16, Type::kBfloat16}) {
    Tensor t = *zeros(type, {2, 3});
    for (std::int64_t n = 0; n < 6; ++n) t.set(n, 0.3 * static_cast<double>(n) - 0.7);
    std::string name;
    const auto back = parse_tensor(encode_tensor(t, "w"), &name);
    ASSERT_TRUE(back) << type_name(type) << ": " << back.error().message;
    EXPECT_EQ(back->f, t.f) << type_name(type);
    EXPECT_EQ(back->shape, t.shape);
    EXPECT_EQ(name, "w");
  }
  for (const Type type : {Type::kInt8, Type::kUint8, Type::kInt32, Type::kInt64, Type::kBool}) {
    Tensor t = *zeros(type, {4});
    for (std::int64_t n = 0; n < 4; ++n) t.set(n, std::int64_t{-1} + n * 100);
    EXPECT_EQ(parse_tensor(encode_tensor(t, ""))->i, t.i) << type_name(type);
  }
}

TEST(OnnxTensors, RoundAndClampAsTheirTypesDo) {
  EXPECT_EQ(round_to(Type::kFloat16, 65519), 65504);
  EXPECT_TRUE(std::isinf(round_to(Type::kFloat16, -65520)));
  EXPECT_EQ(round_to(Type::kFloat16, 0x1p-25), 0) << "a tie goes to the even neighbour";
  EXPECT_EQ(round_to(Type::kFloat16, 0x1.8p-24), 0x1p-23);
  EXPECT_EQ(round_to(Type::kBfloat16, 1 + 0x1p-8), 1);
  EXPECT_EQ(wrap_to(Type::kInt8, 200), -56);
  EXPECT_EQ(wrap_to(Type::kUint8, -1), 255);
  EXPECT_EQ(saturate_to(Type::kInt64, 1e30), INT64_MAX);
  EXPECT_EQ(saturate_to(Type::kUint64, 1e30), -1) << "all bits";
  EXPECT_EQ(saturate_to(Type::kUint8, -3), 0);
  EXPECT_EQ(saturate_to(Type::kInt32, std::nan("")), 0);
}

TEST(OnnxTensors, ThatDoNotHoldTogetherAreRefused) {
  const auto refused = [](const Bytes& bytes, ErrorCode code, const std::string& words) {
    const auto t = parse_tensor(bytes);
    ASSERT_FALSE(t) << words;
    EXPECT_EQ(t.error().code, code) << t.error().message;
    EXPECT_NE(t.error().message.find(words), std::string::npos) << t.error().message;
  };
  refused(Message().number(1, 3).number(2, 1).bytes(9, Bytes(8)).take(), ErrorCode::kMalformed,
          "8 bytes of data for 3 float32");
  refused(Message().number(1, 3).number(2, 1).take(), ErrorCode::kMalformed, "lacks data");
  refused(Message().number(1, 1u << 30).number(1, 1u << 30).number(2, 1).take(),
          ErrorCode::kMalformed, "larger than");
  refused(Message().number(1, static_cast<std::uint64_t>(-1)).number(2, 1).take(),
          ErrorCode::kMalformed, "negative");
  refused(Message().number(2, 8).take(), ErrorCode::kUnsupported, "string");
  refused(Message().number(2, 77).take(), ErrorCode::kMalformed, "unknown type 77");
  refused(Message().number(2, 1).number(14, 1).take(), ErrorCode::kUnsupported, "other files");
  refused(Message().number(2, 1).bytes(4, Bytes(3)).take(), ErrorCode::kMalformed, "broken list");
  Bytes cut = Message().number(2, 1).bytes(9, Bytes(4)).take();
  cut.pop_back();
  refused(cut, ErrorCode::kMalformed, "breaks off");
}

TEST(OnnxModels, AreReadWithNodesInitializersAndShapes) {
  const auto model = parse_model(linear_model().take());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->opset, 13);
  EXPECT_EQ(model->nodes.size(), 2u);
  EXPECT_EQ(model->nodes[0].op, "MatMul");
  EXPECT_EQ(model->initializers.at("w").shape, (Shape{3, 2}));
  ASSERT_EQ(model->inputs.size(), 1u);
  EXPECT_EQ(model->inputs[0].shape, (std::vector<std::int64_t>{-1, 3}));
}

TEST(OnnxModels, WhatIsNoModelIsRefused) {
  EXPECT_EQ(parse_model({}).error().message, "model: no graph: is this an ONNX file?");
  EXPECT_EQ(parse_model(as_bytes("not a model")).error().code, ErrorCode::kMalformed);
  const Bytes whole = linear_model().take();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_model(ByteView(whole).first(size))) << size;
  }
  const auto of_node = [](Message node) {
    return parse_model(model_of(Message().message(1, std::move(node))).take());
  };
  EXPECT_EQ(of_node(Message().text(4, "Add").text(7, "com.example")).error().code,
            ErrorCode::kUnsupported);
  EXPECT_EQ(of_node(Message().text(4, "If").message(5, Message().text(1, "then").message(6, {})))
                .error()
                .code,
            ErrorCode::kUnsupported);
  EXPECT_EQ(of_node(Message()
                        .text(4, "Add")
                        .message(5, Message().text(1, "a"))
                        .message(5, Message().text(1, "a")))
                .error()
                .code,
            ErrorCode::kMalformed);
  EXPECT_EQ(of_node(Message().number(4, 7)).error().message, "node: field 4 is of the wrong kind");
}

}  // namespace
}  // namespace orrery::onnx

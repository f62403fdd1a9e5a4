#include "harness/onnx/graph.h"

#include <gtest/gtest.h>

#include "tests/unit/harness/onnx/builder.h"

namespace orrery::onnx {
namespace {

Tensor floats(Shape shape, std::vector<double> values) {
  return {.type = Type::kFloat, .shape = std::move(shape), .f = std::move(values), .i = {}};
}
Tensor ints(std::vector<std::int64_t> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {.type = Type::kInt64, .shape = {count}, .f = {}, .i = std::move(values)};
}

// One node from inputs a, b, c ... to y.
struct OneNode {
  std::string op;
  std::vector<Tensor> inputs;
  std::map<std::string, Attribute> attributes = {};
  std::int64_t opset = 13;

  Result<std::vector<Tensor>> run() const {
    Model model{.opset = opset};
    Node node{.op = op, .name = "it", .inputs = {}, .outputs = {"y"}, .attributes = attributes};
    for (std::size_t n = 0; n < inputs.size(); ++n) {
      node.inputs.emplace_back(1, static_cast<char>('a' + n));
      model.inputs.push_back({node.inputs.back(), Type::kUndefined, {}});
    }
    model.nodes.push_back(std::move(node));
    model.outputs.push_back({"y", Type::kUndefined, {}});
    ASSIGN_OR_RETURN(const Graph graph, Graph::make(std::move(model)));
    return graph.run(inputs);
  }
  std::string refusal() const {
    const auto made = run();
    return made ? "made" : made.error().message;
  }
};

TEST(OnnxGraph, RunsALinearLayer) {
  const auto graph = Graph::make(*parse_model(linear_model().take()));
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->inputs().size(), 1u) << "initializers are no inputs";
  const auto y = graph->run({floats({2, 3}, {1, 0, 0, 1, 1, 1})});
  ASSERT_TRUE(y) << y.error().message;
  EXPECT_EQ((*y)[0].shape, (Shape{2, 2}));
  EXPECT_EQ((*y)[0].f, (std::vector<double>{11, 22, 19, 32}));
}

TEST(OnnxGraph, RefusesInputsThatDoNotFit) {
  const auto graph = Graph::make(*parse_model(linear_model().take()));
  EXPECT_EQ(graph->run({}).error().message, "0 inputs, expected 1");
  EXPECT_EQ(graph->run({floats({1, 4}, {1, 2, 3, 4})}).error().message,
            "input \"x\" is float32 [1, 4], expected float32 [-1, 3]");
  EXPECT_FALSE(graph->run({ints({1, 2, 3})}));
}

TEST(OnnxGraph, RefusesGraphsThatDoNotHoldTogether) {
  const auto refusal = [](std::vector<Node> nodes, std::int64_t opset = 13) {
    Model model{.opset = opset, .nodes = std::move(nodes)};
    model.inputs.push_back({"x", Type::kFloat, {}});
    model.outputs.push_back({"y", Type::kFloat, {}});
    const auto graph = Graph::make(std::move(model));
    return graph ? "made" : graph.error().message;
  };
  const auto node = [](std::string op, std::string from, std::string to) {
    return Node{.op = std::move(op), .inputs = {std::move(from)}, .outputs = {std::move(to)}};
  };
  EXPECT_EQ(refusal({node("Relu", "x", "y")}), "made");
  EXPECT_EQ(refusal({node("Relu", "z", "y")}),
            "Relu that makes \"y\": nobody makes \"z\" before it");
  EXPECT_EQ(refusal({node("Relu", "x", "z")}), "nobody makes the output \"y\"");
  EXPECT_EQ(refusal({node("Relu", "x", "y"), node("Exp", "x", "y")}), "\"y\" is made twice");
  EXPECT_EQ(refusal({node("Conv", "x", "z"), node("LSTM", "z", "y")}),
            "operators that are not supported: Conv, LSTM");
  EXPECT_EQ(refusal({node("Relu", "x", "y")}, 21),
            "operators of set 21; those of 9 to 17 are known");
}

TEST(OnnxGraph, AnOutputWithoutANameIsNotThere) {
  Model model{.opset = 13};
  model.initializers[""] = floats({1}, {1});
  model.outputs.push_back({"", Type::kFloat, {}});
  EXPECT_EQ(Graph::make(std::move(model)).error().message, "nobody makes the output \"\"");
}

TEST(OnnxOperators, SayWhatIsWrongAndWhere) {
  const Tensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ((OneNode{"MatMul", {x, x}}.refusal()),
            "MatMul \"it\": [2, 3] and [2, 3] cannot be multiplied");
  EXPECT_EQ((OneNode{"Add", {x, floats({2}, {1, 2})}}.refusal()),
            "Add \"it\": shapes [2, 3] and [2] do not go together");
  EXPECT_EQ((OneNode{"Add", {x, ints({1, 2, 3})}}.refusal()),
            "Add \"it\": operands of different types");
  EXPECT_EQ((OneNode{"Add", {x}}.refusal()), "Add \"it\": input 1 is missing");
  EXPECT_EQ((OneNode{"Div", {ints({1}), ints({0})}}.refusal()), "Div \"it\": division by zero");
  EXPECT_EQ((OneNode{"Gather", {x, ints({2})}}.refusal()), "Gather \"it\": index 2 of 2");
  EXPECT_EQ((OneNode{"Reshape", {x, ints({4, -1})}}.refusal()),
            "Reshape \"it\": [2, 3] cannot become [4, -1]");
  EXPECT_EQ((OneNode{"ConstantOfShape", {ints({1 << 20, 1 << 20})}}.refusal()),
            "ConstantOfShape \"it\": a tensor of shape [1048576, 1048576] is larger than 268435456 "
            "elements");
  EXPECT_EQ((OneNode{"Transpose", {x}, {{"perm", {.ints = {0, 0}}}}}.refusal()),
            "Transpose \"it\": perm is no permutation of the dimensions");
  EXPECT_EQ((OneNode{"Concat", {x, x}, {{"axis", {.i = 2}}}}.refusal()),
            "Concat \"it\": axis 2 of a tensor of 2 dimensions");
}

TEST(OnnxOperators, DivideIntegersTowardsZeroWithoutOverflow) {
  const auto q = OneNode{"Div", {ints({-7, 7, INT64_MIN}), ints({2, -2, -1})}}.run();
  EXPECT_EQ((*q)[0].i, (std::vector<std::int64_t>{-3, -3, INT64_MIN}));
}

TEST(OnnxOperators, SliceBackwardsAndBeyondTheEnds) {
  const Tensor x = floats({5}, {0, 1, 2, 3, 4});
  const auto slice = [&](std::int64_t start, std::int64_t end, std::int64_t step) {
    const auto y = OneNode{"Slice", {x, ints({start}), ints({end}), ints({0}), ints({step})}}.run();
    return y ? (*y)[0].f : std::vector<double>{-1};
  };
  EXPECT_EQ(slice(1, INT64_MAX, 2), (std::vector<double>{1, 3}));
  EXPECT_EQ(slice(-1, INT64_MIN, -2), (std::vector<double>{4, 2, 0}));
  EXPECT_EQ(slice(INT64_MAX, 1, -1), (std::vector<double>{4, 3, 2}));
  EXPECT_EQ(slice(4, 0, INT64_MIN), (std::vector<double>{4}));
  EXPECT_EQ(slice(3, 1, 1), (std::vector<double>{}));
}

TEST(OnnxOperators, OlderSetsKeepAxesInAttributes) {
  const Tensor x = floats({1, 2, 1}, {1, 3});
  const auto squeezed = OneNode{"Squeeze", {x}, {{"axes", {.ints = {0}}}}, 11}.run();
  EXPECT_EQ((*squeezed)[0].shape, (Shape{2, 1}));
  // Before the set 13 softmax ran over all dimensions from its axis on.
  const auto old = OneNode{"Softmax", {floats({1, 2, 2}, {0, 0, 0, 0})}, {}, 11}.run();
  EXPECT_EQ((*old)[0].f, (std::vector<double>(4, 0.25)));
  const auto now = OneNode{"Softmax", {floats({1, 2, 2}, {0, 0, 0, 0})}, {}, 13}.run();
  EXPECT_EQ((*now)[0].f, (std::vector<double>(4, 0.5)));
}

}  // namespace
}  // namespace orrery::onnx

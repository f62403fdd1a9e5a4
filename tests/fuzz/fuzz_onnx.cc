// ONNX files from anywhere: accepted ones hold together, tensors come back from their bytes, and
// graphs of one or two nodes over small tensors run or say why not. (Longer graphs may ask for any
// amount of work, and some operators alone for any amount of memory below the bound.)
#include <algorithm>

#include "harness/onnx/graph.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/harness/onnx/builder.h"

namespace orrery {
namespace {

constexpr std::int64_t kSmall = 64;
constexpr std::size_t kMostNodes = 2;

bool may_run(const onnx::Graph& graph) {
  const onnx::Model& model = graph.model();
  for (const auto& [name, tensor] : model.initializers) {
    if (tensor.size() > kSmall) return false;
  }
  for (const onnx::Node& node : model.nodes) {
    if (node.op == "Expand" || node.op == "ConstantOfShape" || node.inputs.size() > 4) return false;
    for (const auto& [name, value] : node.attributes) {
      if (value.t && value.t->size() > kSmall) return false;
    }
  }
  return model.nodes.size() <= kMostNodes;
}

void run(const onnx::Graph& graph) {
  std::vector<onnx::Tensor> inputs;
  for (const onnx::ValueInfo& wanted : graph.inputs()) {
    onnx::Shape shape = wanted.shape;
    for (std::int64_t& d : shape) d = d == -1 ? 2 : d;
    const auto type = wanted.type == onnx::Type::kUndefined ? onnx::Type::kFloat : wanted.type;
    const auto count = onnx::element_count(shape);
    if (!count || *count > kSmall) return;
    inputs.push_back(*onnx::zeros(type, std::move(shape)));
    for (std::int64_t n = 0; n < *count; ++n) inputs.back().set(n, n % 5 - 2);
  }
  const auto outputs = graph.run(inputs);
  if (!outputs) FUZZ_CHECK(!outputs.error().message.empty());
}

}  // namespace

std::vector<Bytes> fuzz::seeds() {
  using onnx::Message;
  const onnx::Tensor list{.type = onnx::Type::kInt64, .shape = {2}, .f = {}, .i = {1, 2}};
  std::vector<Bytes> seeds{onnx::linear_model().take()};
  for (const char* op : {"Reshape", "Slice", "Gather", "Split", "Unsqueeze", "Pow", "Concat"}) {
    seeds.push_back(
        onnx::model_of(
            Message()
                .message(1, Message().text(1, "x").text(1, "n").text(2, "y").text(4, op).message(
                                5, Message().text(1, "axis").number(3, 1)))
                .bytes(5, onnx::encode_tensor(list, "n"))
                .message(11, onnx::value_info("x", {2, -1}))
                .message(12, onnx::value_info("y", {})))
            .take());
  }
  return seeds;
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  auto model = onnx::parse_model(ByteView(data, size));
  if (!model) {
    FUZZ_CHECK(!model.error().message.empty());
    return 0;
  }
  fuzz::accepted();
  for (const auto& [name, tensor] : model->initializers) {
    const Bytes bytes = onnx::encode_tensor(tensor, name);
    const auto back = onnx::parse_tensor(bytes);
    FUZZ_CHECK(back && onnx::encode_tensor(*back, name) == bytes);
  }
  const auto graph = onnx::Graph::make(std::move(*model));
  if (graph && may_run(*graph)) run(*graph);
  return 0;
}

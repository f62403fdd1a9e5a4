#include "harness/onnx/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/onnx/ops.h"

namespace orrery::onnx {
namespace {

std::string title(const Node& node) {
  if (!node.name.empty()) return fmt::format("{} {:?}", node.op, node.name);
  return fmt::format("{} that makes {:?}", node.op, node.outputs.empty() ? "" : node.outputs[0]);
}

Status check_input(const ValueInfo& wanted, const Tensor& given) {
  bool fits = wanted.type == Type::kUndefined || wanted.type == given.type;
  // A file that says nothing of the shape leaves it open.
  if (!wanted.shape.empty()) {
    fits = fits && wanted.shape.size() == given.shape.size();
    for (std::size_t d = 0; fits && d < wanted.shape.size(); ++d) {
      fits = wanted.shape[d] == -1 || wanted.shape[d] == given.shape[d];
    }
  }
  if (fits) return {};
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("input {:?} is {} {}, expected {} {}", wanted.name, type_name(given.type),
                  shape_text(given.shape), type_name(wanted.type), shape_text(wanted.shape)));
}

}  // namespace

Result<Graph> Graph::make(Model model) {
  Graph graph(std::move(model));
  TRY(graph.check());
  return graph;
}

Status Graph::check() const {
  if (model_.opset < kFirstOpset || model_.opset > kLastOpset) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("operators of set {}; those of {} to {} are known", model_.opset,
                            kFirstOpset, kLastOpset));
  }
  std::set<std::string> missing, known;
  for (const auto& [name, tensor] : model_.initializers) known.insert(name);
  for (const ValueInfo& input : model_.inputs) known.insert(input.name);
  for (const Node& node : model_.nodes) {
    if (find_operator(node.op) == nullptr) missing.insert(node.op);
    for (const std::string& input : node.inputs) {
      if (input.empty() || known.contains(input)) continue;
      return fail(ErrorCode::kMalformed,
                  fmt::format("{}: nobody makes {:?} before it", title(node), input));
    }
    for (const std::string& output : node.outputs) {
      if (output.empty() || known.insert(output).second) continue;
      return fail(ErrorCode::kMalformed, fmt::format("{:?} is made twice", output));
    }
  }
  known.erase("");  // which stands for what is left out
  for (const ValueInfo& output : model_.outputs) {
    if (known.contains(output.name)) continue;
    return fail(ErrorCode::kMalformed, fmt::format("nobody makes the output {:?}", output.name));
  }
  if (missing.empty()) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("operators that are not supported: {}", fmt::join(missing, ", ")));
}

std::vector<ValueInfo> Graph::inputs() const {
  std::vector<ValueInfo> out;
  for (const ValueInfo& input : model_.inputs) {
    if (!model_.initializers.contains(input.name)) out.push_back(input);
  }
  return out;
}

Result<std::vector<Tensor>> Graph::run(const std::vector<Tensor>& given) const {
  const std::vector<ValueInfo> wanted = inputs();
  if (given.size() != wanted.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} inputs, expected {}", given.size(), wanted.size()));
  }
  std::map<std::string, Tensor> made;
  for (std::size_t n = 0; n < given.size(); ++n) {
    TRY(check_input(wanted[n], given[n]));
    made[wanted[n].name] = given[n];
  }
  const auto find = [&](const std::string& name) -> const Tensor* {
    if (name.empty()) return nullptr;
    const auto value = made.find(name);
    return value != made.end() ? &value->second : &model_.initializers.at(name);
  };
  for (const Node& node : model_.nodes) {
    Call call{node, {}, model_.opset};
    for (const std::string& input : node.inputs) call.inputs.push_back(find(input));
    auto outputs = find_operator(node.op)(call);
    if (!outputs) {
      return fail(outputs.error().code, title(node) + ": " + outputs.error().message);
    }
    if (outputs->size() < node.outputs.size()) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{}: {} outputs, of which {} are made", title(node),
                              node.outputs.size(), outputs->size()));
    }
    for (std::size_t n = 0; n < node.outputs.size(); ++n) {
      if (!node.outputs[n].empty()) made[node.outputs[n]] = std::move((*outputs)[n]);
    }
  }
  std::vector<Tensor> out;
  for (const ValueInfo& output : model_.outputs) out.push_back(*find(output.name));
  return out;
}

}  // namespace orrery::onnx

#include "harness/cli/model_onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/model/json_text.h"
#include "harness/model/safetensors.h"
#include "harness/onnx/graph.h"
#include "harness/onnx/ops.h"
#include "reports/record/write.h"

namespace orrery::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t kShownValues = 1000;  // of an output, in the answer

Result<onnx::Model> read_model(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, model::read_text_file(path));
  auto read = onnx::parse_model(as_bytes(text));
  if (!read) return fail(read.error().code, path + ": " + read.error().message);
  return read;
}

ordered_json values_json(const std::vector<onnx::ValueInfo>& values) {
  ordered_json out = ordered_json::array();
  for (const onnx::ValueInfo& v : values) {
    out.push_back({{"name", v.name}, {"type", onnx::type_name(v.type)}, {"shape", v.shape}});
  }
  return out;
}

Status make_folder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (!failed) return {};
  return fail(ErrorCode::kIo, "cannot make " + folder + ": " + failed.message());
}

}  // namespace

bool is_onnx(const std::string& path) { return path.ends_with(".onnx"); }

Result<ordered_json> inspect_onnx(const ModelArgs& args) {
  ASSIGN_OR_RETURN(onnx::Model model, read_model(args.folder));
  std::map<std::string, std::uint64_t> operators;
  for (const onnx::Node& node : model.nodes) ++operators[node.op];
  std::int64_t parameters = 0;
  for (const auto& [name, tensor] : model.initializers) parameters += tensor.size();
  ordered_json out{{"format", "ONNX"},
                   {"producer", model.producer},
                   {"ir_version", model.ir_version},
                   {"opset", model.opset},
                   {"nodes", model.nodes.size()},
                   {"operators", operators},
                   {"initializers", model.initializers.size()},
                   {"parameters", parameters},
                   {"outputs", values_json(model.outputs)}};
  const std::vector<onnx::ValueInfo> all = model.inputs;
  const auto graph = onnx::Graph::make(std::move(model));
  out["inputs"] = values_json(graph ? graph->inputs() : all);
  out["runs"] = graph.has_value();
  if (!graph) out["because"] = graph.error().message;
  return out;
}

Result<ordered_json> convert_onnx(const ModelArgs& args) {
  ASSIGN_OR_RETURN(const onnx::Model model, read_model(args.folder));
  std::vector<std::vector<float>> values;
  values.reserve(model.initializers.size());  // the list below points into it
  std::vector<model::TensorToWrite> tensors;
  std::uint64_t left_out = 0;
  for (const auto& [name, tensor] : model.initializers) {
    if (!tensor.floats()) {
      ++left_out;
      continue;
    }
    values.emplace_back(tensor.f.begin(), tensor.f.end());
    tensors.push_back({name, {tensor.shape.begin(), tensor.shape.end()}, values.back().data()});
  }
  if (tensors.empty()) {
    return fail(ErrorCode::kUnsupported, args.folder + ": no initializers of floats to convert");
  }
  TRY(make_folder(args.out));
  const std::string path = args.out + "/model.safetensors";
  const Bytes file = model::encode_safetensors(tensors, {{"source", "onnx"}});
  TRY(report::write_file_atomically(path, as_text(file)));
  return ordered_json{{"file", path},
                      {"tensors", tensors.size()},
                      {"left_out_integers", left_out},
                      {"bytes", file.size()}};
}

Result<ordered_json> run_onnx(const ModelArgs& args) {
  ASSIGN_OR_RETURN(onnx::Model model, read_model(args.folder));
  auto graph = onnx::Graph::make(std::move(model));
  if (!graph) return fail(graph.error().code, args.folder + ": " + graph.error().message);
  std::vector<onnx::Tensor> inputs;
  for (const std::string& path : args.inputs) {
    ASSIGN_OR_RETURN(const std::string text, model::read_text_file(path));
    auto tensor = onnx::parse_tensor(as_bytes(text));
    if (!tensor) return fail(tensor.error().code, path + ": " + tensor.error().message);
    inputs.push_back(std::move(*tensor));
  }
  ASSIGN_OR_RETURN(const std::vector<onnx::Tensor> outputs, graph->run(inputs));
  if (!args.out.empty()) TRY(make_folder(args.out));
  ordered_json rows = ordered_json::array();
  for (std::size_t n = 0; n < outputs.size(); ++n) {
    const onnx::Tensor& t = outputs[n];
    const std::string& name = graph->model().outputs[n].name;
    rows.push_back({{"name", name}, {"type", onnx::type_name(t.type)}, {"shape", t.shape}});
    if (t.size() <= kShownValues) {
      rows.back()["values"] = t.floats() ? ordered_json(t.f) : ordered_json(t.i);
    }
    if (args.out.empty()) continue;
    const std::string path = fmt::format("{}/output_{}.pb", args.out, n);
    TRY(report::write_file_atomically(path, as_text(onnx::encode_tensor(t, name))));
  }
  return ordered_json{{"outputs", rows}};
}

}  // namespace orrery::cli

// Verbs about ONNX files: model inspect, convert and run.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/base/result.h"
#include "harness/cli/model_args.h"

namespace orrery::cli {

bool is_onnx(const std::string& path);  // by its ending
// What is in the file, and whether all of its operators are known.
Result<nlohmann::ordered_json> inspect_onnx(const ModelArgs& args);
// Writes the float initializers to <folder>/model.safetensors, under their names.
Result<nlohmann::ordered_json> convert_onnx(const ModelArgs& args);
// Executes the graph on files of tensors (TensorProto), writes <folder>/output_<n>.pb if asked to.
Result<nlohmann::ordered_json> run_onnx(const ModelArgs& args);

}  // namespace orrery::cli

// The messages of ONNX (onnx.proto of version 1.12) that a graph of tensors needs. Reading checks
// what the format promises; what is left out is refused by name, not passed over.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "harness/onnx/tensor.h"

namespace orrery::onnx {

// The value of an attribute; which members count is the operator's knowledge.
struct Attribute {
  std::optional<double> f;
  std::optional<std::int64_t> i;
  std::optional<std::string> s;
  std::optional<Tensor> t;
  std::vector<double> floats;
  std::vector<std::int64_t> ints;
};

struct Node {
  std::string op;
  std::string name;
  std::vector<std::string> inputs;  // "" where an optional one is left out
  std::vector<std::string> outputs;
  std::map<std::string, Attribute> attributes;
};

struct ValueInfo {
  std::string name;
  Type type = Type::kUndefined;
  std::vector<std::int64_t> shape;  // -1 where the file leaves a dimension open
};

struct Model {
  std::int64_t ir_version = 0;
  std::int64_t opset = 0;  // of the default domain
  std::string producer;
  std::vector<Node> nodes;  // in order of execution
  std::map<std::string, Tensor> initializers;
  std::vector<ValueInfo> inputs;  // those that initializers also name included
  std::vector<ValueInfo> outputs;
};

// kMalformed: not the wire format, a field of the wrong kind, data that do not fit their shape, a
// name twice. kUnsupported: operators of other domains, functions, external or sparse data,
// strings, graphs as attributes, inputs that are no tensors.
Result<Model> parse_model(ByteView file);
// A TensorProto by itself, and its name if asked for.
Result<Tensor> parse_tensor(ByteView message, std::string* name = nullptr);
// The TensorProto of a tensor, with its data raw.
Bytes encode_tensor(const Tensor& tensor, const std::string& name);

}  // namespace orrery::onnx

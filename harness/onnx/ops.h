// Operators of ONNX graphs: functions from tensors to tensors. Semantics are those of the
// operator's documentation for the model's operator set (9 to 17); errors are kInvalidArgument
// (shapes, types, indices) or kUnsupported (an attribute or type that is left out) and do not name
// the node.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/onnx/file.h"

namespace orrery::onnx {

struct Call {
  const Node& node;
  std::vector<const Tensor*> inputs;  // null where an optional one is left out
  std::int64_t opset = 0;

  // Input n, or null.
  const Tensor* input(std::size_t n) const { return n < inputs.size() ? inputs[n] : nullptr; }
  // kInvalidArgument if it is missing.
  Result<const Tensor*> required(std::size_t n) const;

  const Attribute* attribute(std::string_view name) const;
  std::int64_t number(std::string_view name, std::int64_t otherwise) const;
  double real(std::string_view name, double otherwise) const;
  // From the attribute, as older sets of operators have it, or else from the input; empty: neither.
  std::vector<std::int64_t> list(std::string_view attribute_name, std::size_t input_number) const;
};

using Outputs = std::vector<Tensor>;
using Operator = Result<Outputs> (*)(const Call& call);

struct NamedOperator {
  std::string_view name;
  Operator function;
};
std::span<const NamedOperator> elementwise_operators();
std::span<const NamedOperator> shape_operators();
std::span<const NamedOperator> reduction_operators();
std::span<const NamedOperator> matrix_operators();
std::span<const NamedOperator> quantised_operators();

// Null if the operator is not among them.
Operator find_operator(std::string_view name);

// An axis from -rank to rank - 1 as 0 .. rank - 1. kInvalidArgument.
Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank);

tl::unexpected<Error> refuse(std::string what);  // kInvalidArgument

}  // namespace orrery::onnx

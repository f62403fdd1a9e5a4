// Checks and executes the graph of an ONNX model. Operators, of the sets 9 to 17 of ONNX:
//   Add Sub Mul Div Pow Max Min Neg Abs Sqrt Reciprocal Exp Log Erf Tanh Sigmoid Relu Floor Ceil
//   Round Clip Cast Identity Where And Or Not Equal Less LessOrEqual Greater GreaterOrEqual
//   Concat Constant ConstantOfShape Expand Flatten Gather Reshape Shape Size Slice Split Squeeze
//   Transpose Unsqueeze ReduceMax ReduceMean ReduceMin ReduceSum Softmax LayerNormalization
//   MatMul Gemm MatMulInteger QLinearMatMul QuantizeLinear DequantizeLinear DynamicQuantizeLinear
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/onnx/file.h"

namespace orrery::onnx {

inline constexpr std::int64_t kFirstOpset = 9;
inline constexpr std::int64_t kLastOpset = 17;

class Graph {
 public:
  // kUnsupported: an operator or set of operators that is left out, all of them named. kMalformed:
  // a value that nobody made before it is used, or that is made twice, or an output that is not
  // there.
  static Result<Graph> make(Model model);

  const Model& model() const { return model_; }
  // Inputs that no initializer gives, in the file's order.
  std::vector<ValueInfo> inputs() const;

  // One tensor for each of inputs(), of its type and of the dimensions that the file fixes; the
  // outputs in the file's order. Errors name the node.
  Result<std::vector<Tensor>> run(const std::vector<Tensor>& inputs) const;

 private:
  explicit Graph(Model model) : model_(std::move(model)) {}
  Status check() const;

  Model model_;
};

}  // namespace orrery::onnx

// Matrix products as ONNX (and numpy) stack them: the last two dimensions are matrices, those
// before them broadcast; a vector is a row on the left and a column on the right.
#pragma once

#include "harness/onnx/tensor.h"

namespace orrery::onnx {

struct Stack {
  Shape shape;                       // of the result
  std::int64_t m = 0, k = 0, n = 0;  // of each product
  std::vector<std::int64_t> a, b;    // where the matrices of each product begin
};
// kInvalidArgument: shapes that do not go together.
Result<Stack> stack_of(const Shape& a, const Shape& b);

}  // namespace orrery::onnx

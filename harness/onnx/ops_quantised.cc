// Operators of quantised models. They round half to even, as ONNX wants it, which is not the rule
// of exact-i8 (gpu/api/exact): the two share no code.
#include <cmath>

#include "harness/onnx/matrix.h"
#include "harness/onnx/ops.h"

namespace orrery::onnx {
namespace {

bool is_8_bit(Type type) { return type == Type::kInt8 || type == Type::kUint8; }

// A parameter that is one value, or one for each index along an axis of x.
class Parameter {
 public:
  // kInvalidArgument if it is neither. `values` may be null: all are `otherwise`.
  static Result<Parameter> make(const Tensor* values, const Shape& shape, std::int64_t axis,
                                double otherwise) {
    Parameter out;
    out.values_ = values;
    out.otherwise_ = otherwise;
    if (values == nullptr || values->size() == 1) return out;
    ASSIGN_OR_RETURN(const std::size_t d, axis_of(axis, shape.size()));
    if (values->shape.size() != 1 || values->size() != shape[d]) {
      return refuse("scale or zero point do not fit the axis");
    }
    out.count_ = shape[d];
    out.step_ = 1;
    for (std::size_t after = d + 1; after < shape.size(); ++after) out.step_ *= shape[after];
    return out;
  }
  double at(std::int64_t element) const {
    if (values_ == nullptr) return otherwise_;
    return values_->number(count_ == 0 ? 0 : element / step_ % count_);
  }

 private:
  const Tensor* values_ = nullptr;
  double otherwise_ = 0;
  std::int64_t count_ = 0;  // 0: one for all
  std::int64_t step_ = 1;
};

// x / scale in single precision, as the reference has it, then half to even, then clamped.
std::int64_t quantised(Type type, double x, double scale, double zero) {
  const auto ratio = static_cast<float>(x) / static_cast<float>(scale);
  return saturate_to(type, std::nearbyint(static_cast<double>(ratio)) + zero);
}

Result<Outputs> quantize_linear(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* scale, call.required(1));
  const Tensor* zero = call.input(2);
  const Type type = zero == nullptr ? Type::kUint8 : zero->type;
  if (!is_8_bit(type) || !scale->floats()) return refuse("the zero point is not of 8 bits");
  const std::int64_t axis = call.number("axis", 1);
  ASSIGN_OR_RETURN(const Parameter by, Parameter::make(scale, x->shape, axis, 1));
  ASSIGN_OR_RETURN(const Parameter plus, Parameter::make(zero, x->shape, axis, 0));
  ASSIGN_OR_RETURN(Tensor y, zeros(type, x->shape));
  for (std::int64_t n = 0; n < x->size(); ++n) {
    y.i[static_cast<std::size_t>(n)] = quantised(type, x->number(n), by.at(n), plus.at(n));
  }
  return Outputs{std::move(y)};
}

Result<Outputs> dequantize_linear(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* scale, call.required(1));
  if (x->floats() || !scale->floats()) return refuse("the input is not of integers");
  const std::int64_t axis = call.number("axis", 1);
  ASSIGN_OR_RETURN(const Parameter by, Parameter::make(scale, x->shape, axis, 1));
  ASSIGN_OR_RETURN(const Parameter plus, Parameter::make(call.input(2), x->shape, axis, 0));
  ASSIGN_OR_RETURN(Tensor y, zeros(Type::kFloat, x->shape));
  for (std::int64_t n = 0; n < x->size(); ++n) y.set(n, (x->number(n) - plus.at(n)) * by.at(n));
  return Outputs{std::move(y)};
}

// To uint8 by the range of the values, which is widened to hold 0.
Result<Outputs> dynamic_quantize_linear(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  if (x->type != Type::kFloat) return refuse("the input is not of float32");
  float low = 0, high = 0;
  for (const double v : x->f) {
    low = std::min(low, static_cast<float>(v));
    high = std::max(high, static_cast<float>(v));
  }
  const float scale = (high - low) / 255.0f;
  ASSIGN_OR_RETURN(Tensor y, zeros(Type::kUint8, x->shape));
  ASSIGN_OR_RETURN(Tensor y_scale, zeros(Type::kFloat, {}));
  ASSIGN_OR_RETURN(Tensor y_zero, zeros(Type::kUint8, {}));
  y_scale.f[0] = static_cast<double>(scale);
  if (scale != 0) {
    y_zero.i[0] = saturate_to(Type::kUint8, std::nearbyint(static_cast<double>(-low / scale)));
    for (std::int64_t n = 0; n < x->size(); ++n) {
      y.i[static_cast<std::size_t>(n)] =
          quantised(Type::kUint8, x->number(n), y_scale.f[0], y_zero.number(0));
    }
  }
  return Outputs{std::move(y), std::move(y_scale), std::move(y_zero)};
}

// Sums of products of 8-bit numbers less their zero points; those of a may be one a row, those of b
// one a column. Calls done(element, sum) for each.
struct IntegerProduct {
  const Tensor& a;
  const Tensor& b;
  const Tensor* a_zero;
  const Tensor* b_zero;
};
template <class Function>
Status multiply(const IntegerProduct& in, const Stack& stack, Function&& done) {
  if (!is_8_bit(in.a.type) || !is_8_bit(in.b.type)) return refuse("operands are not of 8 bits");
  ASSIGN_OR_RETURN(const Parameter a_zero, Parameter::make(in.a_zero, {stack.m}, 0, 0));
  ASSIGN_OR_RETURN(const Parameter b_zero, Parameter::make(in.b_zero, {stack.n}, 0, 0));
  std::int64_t element = 0;
  for (std::size_t p = 0; p < stack.a.size(); ++p) {
    for (std::int64_t row = 0; row < stack.m; ++row) {
      for (std::int64_t col = 0; col < stack.n; ++col) {
        const auto minus_a = static_cast<std::int64_t>(a_zero.at(row));
        const auto minus_b = static_cast<std::int64_t>(b_zero.at(col));
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < stack.k; ++i) {
          sum += (in.a.integer(stack.a[p] + row * stack.k + i) - minus_a) *
                 (in.b.integer(stack.b[p] + i * stack.n + col) - minus_b);
        }
        done(element++, col, sum);
      }
    }
  }
  return {};
}

Status check_zero(const Tensor* zero) {
  if (zero == nullptr || is_8_bit(zero->type)) return {};
  return refuse("a zero point is not of 8 bits");
}

Result<Outputs> matmul_integer(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* a, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* b, call.required(1));
  TRY(check_zero(call.input(2)));
  TRY(check_zero(call.input(3)));
  ASSIGN_OR_RETURN(const Stack stack, stack_of(a->shape, b->shape));
  ASSIGN_OR_RETURN(Tensor y, zeros(Type::kInt32, stack.shape));
  TRY(multiply({*a, *b, call.input(2), call.input(3)}, stack,
               [&](std::int64_t n, std::int64_t, std::int64_t sum) { y.set(n, sum); }));
  return Outputs{std::move(y)};
}

// y = clamp(round(sum * a_scale * b_scale / y_scale) + y_zero).
Result<Outputs> qlinear_matmul(const Call& call) {
  const Tensor* in[8] = {};
  for (std::size_t n = 0; n < 8; ++n) {
    ASSIGN_OR_RETURN(in[n], call.required(n));
  }
  const Tensor &a = *in[0], &b = *in[3], &y_scale = *in[6], &y_zero = *in[7];
  TRY(check_zero(in[2]));
  TRY(check_zero(in[5]));
  TRY(check_zero(&y_zero));
  if (in[1]->size() != 1 || !in[1]->floats() || !in[4]->floats() || y_scale.size() != 1 ||
      !y_scale.floats() || y_zero.size() != 1) {
    return fail(ErrorCode::kUnsupported, "scales of a and y other than single floats");
  }
  ASSIGN_OR_RETURN(const Stack stack, stack_of(a.shape, b.shape));
  ASSIGN_OR_RETURN(const Parameter b_scale, Parameter::make(in[4], {stack.n}, 0, 1));
  ASSIGN_OR_RETURN(Tensor y, zeros(y_zero.type, stack.shape));
  TRY(multiply(
      {a, b, in[2], in[5]}, stack, [&](std::int64_t n, std::int64_t col, std::int64_t sum) {
        const double scaled =
            static_cast<double>(sum) * in[1]->number(0) * b_scale.at(col) / y_scale.number(0);
        y.i[static_cast<std::size_t>(n)] =
            saturate_to(y.type, std::nearbyint(scaled) + y_zero.number(0));
      }));
  return Outputs{std::move(y)};
}

constexpr NamedOperator kOperators[] = {
    {"DequantizeLinear", dequantize_linear}, {"DynamicQuantizeLinear", dynamic_quantize_linear},
    {"MatMulInteger", matmul_integer},       {"QLinearMatMul", qlinear_matmul},
    {"QuantizeLinear", quantize_linear},
};

}  // namespace

std::span<const NamedOperator> quantised_operators() { return kOperators; }

}  // namespace orrery::onnx

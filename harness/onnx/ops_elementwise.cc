// Operators that look at one element of each input at a time. Floats are computed in double
// precision and rounded once; integers wrap.
#include <cmath>

#include "harness/onnx/ops.h"

namespace orrery::onnx {
namespace {

template <double (*function)(double)>
Result<Outputs> unary(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  if (!x->floats()) return refuse("the input is not of floats");
  Tensor y = *x;
  for (double& v : y.f) v = round_to(y.type, function(v));
  return Outputs{std::move(y)};
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double reciprocal(double x) { return 1 / x; }
double square_root(double x) { return std::sqrt(x); }
double exponential(double x) { return std::exp(x); }
double logarithm(double x) { return std::log(x); }
double error_function(double x) { return std::erf(x); }
double hyperbolic_tangent(double x) { return std::tanh(x); }
double floor_of(double x) { return std::floor(x); }
double ceiling_of(double x) { return std::ceil(x); }
double nearest_even(double x) { return std::nearbyint(x); }

// Of floats and of signed integers.
template <bool absolute>
Result<Outputs> sign_change(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  Tensor y = *x;
  for (double& v : y.f) v = absolute ? std::fabs(v) : -v;
  for (std::int64_t& v : y.i) {
    if (absolute && (v >= 0 || y.type == Type::kUint64)) continue;
    v = wrap_to(y.type, static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(v)));
  }
  return Outputs{std::move(y)};
}

Result<Outputs> relu(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  Tensor y = *x;
  for (double& v : y.f) v = v < 0 ? 0 : v;
  if (y.type != Type::kUint64) {
    for (std::int64_t& v : y.i) v = v < 0 ? 0 : v;
  }
  return Outputs{std::move(y)};
}

Result<Outputs> negation(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  if (x->type != Type::kBool) return refuse("the input is not of booleans");
  Tensor y = *x;
  for (std::int64_t& v : y.i) v = 1 - v;
  return Outputs{std::move(y)};
}

// One result element from one element of each of two operands.
template <class Function>
Result<Tensor> combine(const Tensor& a, const Tensor& b, Type type, Function&& function) {
  ASSIGN_OR_RETURN(Shape shape, broadcast(a.shape, b.shape));
  ASSIGN_OR_RETURN(Tensor out, zeros(type, std::move(shape)));
  BroadcastIndex at_a(a.shape, out.shape), at_b(b.shape, out.shape);
  const std::int64_t count = out.size();
  for (std::int64_t n = 0; n < count; ++n, at_a.next(), at_b.next()) {
    TRY(function(out, n, at_a.offset(), at_b.offset()));
  }
  return out;
}

enum class Arithmetic { kAdd, kSub, kMul, kDiv, kMin, kMax };

template <Arithmetic op>
double compute(double a, double b) {
  switch (op) {
    case Arithmetic::kAdd: return a + b;
    case Arithmetic::kSub: return a - b;
    case Arithmetic::kMul: return a * b;
    case Arithmetic::kDiv: return a / b;
    case Arithmetic::kMin: return a < b || a != a ? a : b;
    case Arithmetic::kMax: return a > b || a != a ? a : b;
  }
  return 0;
}

// Modulo 2^64; the caller wraps to the type. Division is towards zero, by zero refused before.
template <Arithmetic op>
std::int64_t compute(std::int64_t a, std::int64_t b, bool is_unsigned) {
  const auto ua = static_cast<std::uint64_t>(a), ub = static_cast<std::uint64_t>(b);
  const bool less = is_unsigned ? ua < ub : a < b;
  switch (op) {
    case Arithmetic::kAdd: return static_cast<std::int64_t>(ua + ub);
    case Arithmetic::kSub: return static_cast<std::int64_t>(ua - ub);
    case Arithmetic::kMul: return static_cast<std::int64_t>(ua * ub);
    case Arithmetic::kDiv:
      if (is_unsigned) return static_cast<std::int64_t>(ua / ub);
      return b == -1 ? static_cast<std::int64_t>(0 - ua) : a / b;
    case Arithmetic::kMin: return less ? a : b;
    case Arithmetic::kMax: return less ? b : a;
  }
  return 0;
}

template <Arithmetic op>
Result<Tensor> arithmetic_of(const Tensor& a, const Tensor& b) {
  if (a.type != b.type) return refuse("operands of different types");
  const bool is_unsigned = a.type == Type::kUint64;
  return combine(a, b, a.type,
                 [&](Tensor& out, std::int64_t n, std::int64_t x, std::int64_t y) -> Status {
                   if (out.floats()) {
                     out.set(n, compute<op>(a.number(x), b.number(y)));
                     return {};
                   }
                   const std::int64_t divisor = b.integer(y);
                   if (op == Arithmetic::kDiv && divisor == 0) return refuse("division by zero");
                   out.set(n, compute<op>(a.integer(x), divisor, is_unsigned));
                   return {};
                 });
}

template <Arithmetic op>
Result<Outputs> arithmetic(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* a, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* b, call.required(1));
  ASSIGN_OR_RETURN(Tensor out, arithmetic_of<op>(*a, *b));
  return Outputs{std::move(out)};
}

// Of any number of operands.
template <Arithmetic op>
Result<Outputs> extreme(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* first, call.required(0));
  Tensor out = *first;
  for (std::size_t n = 1; n < call.inputs.size(); ++n) {
    ASSIGN_OR_RETURN(const Tensor* next, call.required(n));
    ASSIGN_OR_RETURN(out, arithmetic_of<op>(out, *next));
  }
  return Outputs{std::move(out)};
}

// base^exponent modulo 2^64.
std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  std::uint64_t result = 1, square = static_cast<std::uint64_t>(base);
  for (auto e = static_cast<std::uint64_t>(exponent); e != 0; e >>= 1, square *= square) {
    if (e & 1u) result *= square;
  }
  return static_cast<std::int64_t>(result);
}

// The result is of the base's type.
Result<Outputs> power(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* a, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* b, call.required(1));
  ASSIGN_OR_RETURN(Tensor out, combine(*a, *b, a->type,
                                       [&](Tensor& to, std::int64_t n, std::int64_t x,
                                           std::int64_t y) -> Status {
                                         if (a->floats() || b->floats() || b->integer(y) < 0) {
                                           to.set(n, std::pow(a->number(x), b->number(y)));
                                         } else {
                                           to.set(n, integer_power(a->integer(x), b->integer(y)));
                                         }
                                         return {};
                                       }));
  return Outputs{std::move(out)};
}

enum class Comparison { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kAnd, kOr };

template <class T>
bool compare(Comparison op, T a, T b) {
  switch (op) {
    case Comparison::kEqual: return a == b;
    case Comparison::kLess: return a < b;
    case Comparison::kLessOrEqual: return a <= b;
    case Comparison::kGreater: return a > b;
    case Comparison::kGreaterOrEqual: return a >= b;
    case Comparison::kAnd: return a != 0 && b != 0;
    case Comparison::kOr: return a != 0 || b != 0;
  }
  return false;
}

template <Comparison op>
Result<Outputs> comparison(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* a, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* b, call.required(1));
  if (a->type != b->type) return refuse("operands of different types");
  const auto one = [&](Tensor& to, std::int64_t n, std::int64_t x, std::int64_t y) -> Status {
    const bool wide = a->floats();
    bool holds = false;
    if (wide) {
      holds = compare(op, a->number(x), b->number(y));
    } else if (a->type == Type::kUint64) {
      holds = compare(op, static_cast<std::uint64_t>(a->integer(x)),
                      static_cast<std::uint64_t>(b->integer(y)));
    } else {
      holds = compare(op, a->integer(x), b->integer(y));
    }
    to.set(n, std::int64_t{holds});
    return {};
  };
  ASSIGN_OR_RETURN(Tensor out, combine(*a, *b, Type::kBool, one));
  return Outputs{std::move(out)};
}

Result<Outputs> where(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* condition, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* a, call.required(1));
  ASSIGN_OR_RETURN(const Tensor* b, call.required(2));
  if (condition->type != Type::kBool) return refuse("the condition is not of booleans");
  if (a->type != b->type) return refuse("alternatives of different types");
  ASSIGN_OR_RETURN(const Shape both, broadcast(a->shape, b->shape));
  ASSIGN_OR_RETURN(Shape shape, broadcast(condition->shape, both));
  ASSIGN_OR_RETURN(Tensor out, zeros(a->type, std::move(shape)));
  BroadcastIndex at_c(condition->shape, out.shape), at_a(a->shape, out.shape),
      at_b(b->shape, out.shape);
  for (std::int64_t n = 0; n < out.size(); ++n, at_c.next(), at_a.next(), at_b.next()) {
    const bool first = condition->integer(at_c.offset()) != 0;
    const Tensor& from = first ? *a : *b;
    const auto source = static_cast<std::size_t>(first ? at_a.offset() : at_b.offset());
    if (out.floats()) {
      out.f[static_cast<std::size_t>(n)] = from.f[source];
    } else {
      out.i[static_cast<std::size_t>(n)] = from.i[source];
    }
  }
  return Outputs{std::move(out)};
}

Result<Outputs> clip(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  Tensor y = *x;
  for (const bool high : {false, true}) {
    const Tensor* bound = call.input(high ? 2 : 1);
    if (bound == nullptr) continue;
    if (bound->size() != 1) return refuse("a bound is not a scalar");
    if (bound->type != y.type) return refuse("a bound is of another type");
    Tensor limit = *bound;
    limit.shape.clear();
    ASSIGN_OR_RETURN(y, high ? arithmetic_of<Arithmetic::kMin>(y, limit)
                             : arithmetic_of<Arithmetic::kMax>(y, limit));
  }
  return Outputs{std::move(y)};
}

Result<Outputs> cast(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  const std::int64_t to = call.number("to", 0);
  if (to < 1 || to > 16) return refuse("to is no type");
  ASSIGN_OR_RETURN(Tensor y, zeros(static_cast<Type>(to), x->shape));
  for (std::int64_t n = 0; n < x->size(); ++n) {
    if (x->floats()) {
      y.set(n, x->number(n));
    } else if (y.floats()) {
      y.set(n, x->number(n));
    } else {
      y.set(n, x->integer(n));
    }
  }
  return Outputs{std::move(y)};
}

Result<Outputs> identity(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  return Outputs{*x};
}

constexpr NamedOperator kOperators[] = {
    {"Abs", sign_change<true>},
    {"Add", arithmetic<Arithmetic::kAdd>},
    {"And", comparison<Comparison::kAnd>},
    {"Cast", cast},
    {"Ceil", unary<ceiling_of>},
    {"Clip", clip},
    {"Div", arithmetic<Arithmetic::kDiv>},
    {"Equal", comparison<Comparison::kEqual>},
    {"Erf", unary<error_function>},
    {"Exp", unary<exponential>},
    {"Floor", unary<floor_of>},
    {"Greater", comparison<Comparison::kGreater>},
    {"GreaterOrEqual", comparison<Comparison::kGreaterOrEqual>},
    {"Identity", identity},
    {"Less", comparison<Comparison::kLess>},
    {"LessOrEqual", comparison<Comparison::kLessOrEqual>},
    {"Log", unary<logarithm>},
    {"Max", extreme<Arithmetic::kMax>},
    {"Min", extreme<Arithmetic::kMin>},
    {"Mul", arithmetic<Arithmetic::kMul>},
    {"Neg", sign_change<false>},
    {"Not", negation},
    {"Or", comparison<Comparison::kOr>},
    {"Pow", power},
    {"Reciprocal", unary<reciprocal>},
    {"Relu", relu},
    {"Round", unary<nearest_even>},
    {"Sigmoid", unary<sigmoid>},
    {"Sqrt", unary<square_root>},
    {"Sub", arithmetic<Arithmetic::kSub>},
    {"Tanh", unary<hyperbolic_tangent>},
    {"Where", where},
};

}  // namespace

std::span<const NamedOperator> elementwise_operators() { return kOperators; }

}  // namespace orrery::onnx

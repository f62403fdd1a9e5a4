// Products of matrices. float32 goes through exact-f32's kernels, other floats through doubles.
#include <fmt/format.h>

#include "gpu/cpu/f32_gemm.h"
#include "harness/onnx/matrix.h"
#include "harness/onnx/ops.h"

namespace orrery::onnx {
namespace {

using Floats = std::vector<float>;

Floats floats_of(const Tensor& x) { return Floats(x.f.begin(), x.f.end()); }

struct Operand {
  const Tensor& tensor;
  std::int64_t begin;  // of the matrix
  std::int64_t rows, cols;
  bool transposed = false;  // rows and cols are those before
};

// out[begin ...] = a * b.
class Multiplier {
 public:
  Multiplier(const Tensor& a, const Tensor& b) : single_(a.type == Type::kFloat) {
    if (single_) {
      a_ = floats_of(a);
      b_ = floats_of(b);
    }
  }

  void multiply(const Operand& a, const Operand& b, std::int64_t begin, Tensor& out) {
    const std::int64_t m = a.transposed ? a.cols : a.rows, k = a.transposed ? a.rows : a.cols;
    const std::int64_t n = b.transposed ? b.rows : b.cols;
    if (m * n == 0) return;
    if (single_) {
      Floats c(static_cast<std::size_t>(m * n));
      gemm_.multiply({.m = static_cast<std::size_t>(m),
                      .n = static_cast<std::size_t>(n),
                      .k = static_cast<std::size_t>(k),
                      .a = view(a_, a),
                      .b = view(b_, b),
                      .c = c.data(),
                      .c_step = static_cast<std::size_t>(n)});
      std::copy(c.begin(), c.end(), out.f.begin() + begin);
      return;
    }
    for (std::int64_t row = 0; row < m; ++row) {
      for (std::int64_t col = 0; col < n; ++col) {
        double sum = 0;
        for (std::int64_t i = 0; i < k; ++i) sum += element(a, row, i) * element(b, i, col);
        out.set(begin + row * n + col, sum);
      }
    }
  }

 private:
  static gpu::MatrixView view(const Floats& values, const Operand& o) {
    const float* data = values.data() + o.begin;
    const auto cols = static_cast<std::size_t>(o.cols);
    return o.transposed ? gpu::transposed(data, cols) : gpu::by_rows(data, cols);
  }
  static double element(const Operand& o, std::int64_t row, std::int64_t col) {
    return o.tensor.number(o.begin + (o.transposed ? col * o.cols + row : row * o.cols + col));
  }

  bool single_;
  Floats a_, b_;
  gpu::F32Gemm gemm_{gpu::available_kernels().back()};
};

Result<Outputs> matmul(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* a, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* b, call.required(1));
  if (a->type != b->type || !a->floats()) return refuse("operands are not floats of one type");
  ASSIGN_OR_RETURN(const Stack stack, stack_of(a->shape, b->shape));
  ASSIGN_OR_RETURN(Tensor out, zeros(a->type, stack.shape));
  Multiplier multiplier(*a, *b);
  for (std::size_t p = 0; p < stack.a.size(); ++p) {
    multiplier.multiply({*a, stack.a[p], stack.m, stack.k}, {*b, stack.b[p], stack.k, stack.n},
                        static_cast<std::int64_t>(p) * stack.m * stack.n, out);
  }
  return Outputs{std::move(out)};
}

// alpha * A' * B' + beta * C.
Result<Outputs> gemm(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* a, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* b, call.required(1));
  const Tensor* c = call.input(2);
  const bool fits = a->type == b->type && a->floats() && a->shape.size() == 2 &&
                    b->shape.size() == 2 && (c == nullptr || c->type == a->type);
  if (!fits) return refuse("operands are not matrices of floats of one type");
  const Operand left{*a, 0, a->shape[0], a->shape[1], call.number("transA", 0) != 0};
  const Operand right{*b, 0, b->shape[0], b->shape[1], call.number("transB", 0) != 0};
  const std::int64_t m = left.transposed ? left.cols : left.rows;
  const std::int64_t k = left.transposed ? left.rows : left.cols;
  const std::int64_t n = right.transposed ? right.rows : right.cols;
  if (k != (right.transposed ? right.cols : right.rows)) {
    return refuse(
        fmt::format("{} and {} cannot be multiplied", shape_text(a->shape), shape_text(b->shape)));
  }
  ASSIGN_OR_RETURN(Tensor out, zeros(a->type, {m, n}));
  Multiplier(*a, *b).multiply(left, right, 0, out);
  const double alpha = call.real("alpha", 1), beta = call.real("beta", 1);
  if (c != nullptr) {
    ASSIGN_OR_RETURN(const Shape both, broadcast(c->shape, out.shape));
    if (both != out.shape) return refuse("C does not fit the product");
  }
  BroadcastIndex at(c != nullptr ? c->shape : Shape{}, out.shape);
  for (std::int64_t i = 0; i < out.size(); ++i, at.next()) {
    const double plus = c != nullptr ? beta * c->number(at.offset()) : 0;
    out.set(i, alpha * out.number(i) + plus);
  }
  return Outputs{std::move(out)};
}

constexpr NamedOperator kOperators[] = {{"Gemm", gemm}, {"MatMul", matmul}};

}  // namespace

Result<Stack> stack_of(const Shape& a, const Shape& b) {
  if (a.empty() || b.empty()) return refuse("a scalar is no matrix");
  Shape left = a, right = b;
  if (a.size() == 1) left.insert(left.begin(), 1);
  if (b.size() == 1) right.push_back(1);
  Stack out{.shape = {},
            .m = left[left.size() - 2],
            .k = left.back(),
            .n = right.back(),
            .a = {},
            .b = {}};
  if (right[right.size() - 2] != out.k) {
    return refuse(fmt::format("{} and {} cannot be multiplied", shape_text(a), shape_text(b)));
  }
  left.resize(left.size() - 2);
  right.resize(right.size() - 2);
  ASSIGN_OR_RETURN(out.shape, broadcast(left, right));
  BroadcastIndex at_a(left, out.shape), at_b(right, out.shape);
  ASSIGN_OR_RETURN(const std::int64_t count, element_count(out.shape));
  if (a.size() > 1) out.shape.push_back(out.m);
  if (b.size() > 1) out.shape.push_back(out.n);
  ASSIGN_OR_RETURN(const std::int64_t elements, element_count(out.shape));
  for (std::int64_t p = 0; elements > 0 && p < count; ++p, at_a.next(), at_b.next()) {
    out.a.push_back(at_a.offset() * out.m * out.k);
    out.b.push_back(at_b.offset() * out.k * out.n);
  }
  return out;
}

std::span<const NamedOperator> matrix_operators() { return kOperators; }

}  // namespace orrery::onnx

// Operators that combine elements along dimensions. Sums run over doubles in the elements' order.
#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/onnx/ops.h"

namespace orrery::onnx {
namespace {

enum class Reduction { kMean, kSum, kMax, kMin };

// The dimensions to reduce. kInvalidArgument.
Result<std::vector<bool>> reduced_dimensions(const Call& call, std::size_t rank) {
  std::vector<bool> out(rank);
  const auto axes = call.list("axes", 1);
  if (axes.empty()) {
    out.assign(rank, call.number("noop_with_empty_axes", 0) == 0);
    return out;
  }
  for (const std::int64_t axis : axes) {
    ASSIGN_OR_RETURN(const std::size_t d, axis_of(axis, rank));
    out[d] = true;
  }
  return out;
}

template <Reduction op>
Result<Outputs> reduce(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  if (x->type == Type::kUint64 || x->type == Type::kBool) {
    return fail(ErrorCode::kUnsupported, "reductions of uint64 and bool are not supported");
  }
  ASSIGN_OR_RETURN(const std::vector<bool> gone, reduced_dimensions(call, x->shape.size()));
  Shape kept = x->shape;  // reduced dimensions are 1
  std::int64_t group = 1;
  for (std::size_t d = 0; d < gone.size(); ++d) {
    if (!gone[d]) continue;
    group *= x->shape[d];
    kept[d] = 1;
  }
  ASSIGN_OR_RETURN(Tensor out, zeros(x->type, kept));
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kStart = op == Reduction::kMax   ? -kInfinity
                            : op == Reduction::kMin ? kInfinity
                                                    : 0;
  if (group == 0 && op != Reduction::kSum) return refuse("nothing to reduce");
  std::vector<double> sums(static_cast<std::size_t>(out.size()), kStart);
  BroadcastIndex at(kept, x->shape);
  for (std::int64_t n = 0; n < x->size(); ++n, at.next()) {
    double& sum = sums[static_cast<std::size_t>(at.offset())];
    const double v = x->number(n);
    switch (op) {
      case Reduction::kMean:
      case Reduction::kSum: sum += v; break;
      case Reduction::kMax: sum = std::max(sum, v); break;
      case Reduction::kMin: sum = std::min(sum, v); break;
    }
  }
  for (std::int64_t n = 0; n < out.size(); ++n) {
    const double sum = sums[static_cast<std::size_t>(n)];
    out.set(n, op == Reduction::kMean ? sum / static_cast<double>(group) : sum);
  }
  if (call.number("keepdims", 1) == 0) {
    Shape shape;
    for (std::size_t d = 0; d < gone.size(); ++d) {
      if (!gone[d]) shape.push_back(kept[d]);
    }
    out.shape = std::move(shape);
  }
  return Outputs{std::move(out)};
}

// Elements of x as [outer][size][inner] around a range of dimensions.
struct Blocks {
  std::int64_t outer = 1, size = 1, inner = 1;
};
Blocks blocks(const Shape& shape, std::size_t begin, std::size_t end) {
  Blocks b;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    (d < begin ? b.outer : d < end ? b.size : b.inner) *= shape[d];
  }
  return b;
}

// Before the operator set 13 an input was a matrix, cut at the axis.
Result<Outputs> softmax(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  if (!x->floats()) return refuse("the input is not of floats");
  const bool matrix = call.opset < 13;
  ASSIGN_OR_RETURN(const std::size_t axis,
                   axis_of(call.number("axis", matrix ? 1 : -1), x->shape.size()));
  const Blocks b = blocks(x->shape, axis, matrix ? x->shape.size() : axis + 1);
  Tensor y = *x;
  for (std::int64_t o = 0; o < b.outer; ++o) {
    for (std::int64_t i = 0; i < b.inner; ++i) {
      const auto at = [&](std::int64_t s) -> double& {
        return y.f[static_cast<std::size_t>((o * b.size + s) * b.inner + i)];
      };
      double top = -std::numeric_limits<double>::infinity(), sum = 0;
      for (std::int64_t s = 0; s < b.size; ++s) top = std::max(top, at(s));
      for (std::int64_t s = 0; s < b.size; ++s) sum += at(s) = std::exp(at(s) - top);
      for (std::int64_t s = 0; s < b.size; ++s) at(s) = round_to(y.type, at(s) / sum);
    }
  }
  return Outputs{std::move(y)};
}

// y = (x - mean) / sqrt(variance + epsilon) * scale + bias over the dimensions from the axis on;
// also the mean and the inverse of the deviation.
Result<Outputs> layer_normalization(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* scale, call.required(1));
  const Tensor* bias = call.input(2);
  const std::size_t rank = x->shape.size();
  ASSIGN_OR_RETURN(const std::size_t axis, axis_of(call.number("axis", -1), rank));
  if (!x->floats() || !scale->floats() || (bias != nullptr && !bias->floats())) {
    return refuse("the inputs are not of floats");
  }
  const Shape last(x->shape.begin() + static_cast<std::ptrdiff_t>(axis), x->shape.end());
  for (const Tensor* part : {scale, bias}) {
    if (part == nullptr) continue;
    ASSIGN_OR_RETURN(const Shape both, broadcast(part->shape, last));
    if (both != last) return refuse("scale or bias do not fit the normalised dimensions");
  }
  const double epsilon = call.real("epsilon", 1e-5);
  const Blocks b = blocks(x->shape, axis, rank);
  Tensor y = *x;
  Shape kept = x->shape;
  std::fill(kept.begin() + static_cast<std::ptrdiff_t>(axis), kept.end(), 1);
  ASSIGN_OR_RETURN(Tensor mean, zeros(Type::kFloat, kept));
  ASSIGN_OR_RETURN(Tensor inverse, zeros(Type::kFloat, kept));
  for (std::int64_t o = 0; o < b.outer; ++o) {
    const auto row = y.f.begin() + o * b.size;
    double sum = 0, squares = 0;
    for (std::int64_t s = 0; s < b.size; ++s) sum += row[s];
    const double average = sum / static_cast<double>(b.size);
    for (std::int64_t s = 0; s < b.size; ++s) squares += (row[s] - average) * (row[s] - average);
    const double by = 1 / std::sqrt(squares / static_cast<double>(b.size) + epsilon);
    mean.set(o, average);
    inverse.set(o, by);
    BroadcastIndex at_scale(scale->shape, last), at_bias(bias ? bias->shape : Shape{}, last);
    for (std::int64_t s = 0; s < b.size; ++s, at_scale.next(), at_bias.next()) {
      const double plus = bias != nullptr ? bias->number(at_bias.offset()) : 0;
      row[s] = round_to(y.type, (row[s] - average) * by * scale->number(at_scale.offset()) + plus);
    }
  }
  Outputs out{std::move(y), std::move(mean), std::move(inverse)};
  out.resize(std::clamp<std::size_t>(call.node.outputs.size(), 1, 3));
  return out;
}

constexpr NamedOperator kOperators[] = {
    {"LayerNormalization", layer_normalization}, {"ReduceMax", reduce<Reduction::kMax>},
    {"ReduceMean", reduce<Reduction::kMean>},    {"ReduceMin", reduce<Reduction::kMin>},
    {"ReduceSum", reduce<Reduction::kSum>},      {"Softmax", softmax},
};

}  // namespace

std::span<const NamedOperator> reduction_operators() { return kOperators; }

}  // namespace orrery::onnx

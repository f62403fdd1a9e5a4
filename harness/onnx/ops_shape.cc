// Operators that move elements and compute none.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "harness/onnx/ops.h"

namespace orrery::onnx {
namespace {

// Elements of `from` in the order of their offsets in `order`, as a tensor of another shape.
template <class Offset>
Result<Tensor> take(const Tensor& from, Shape shape, Offset&& offset) {
  ASSIGN_OR_RETURN(Tensor out, zeros(from.type, std::move(shape)));
  for (std::int64_t n = 0; n < out.size(); ++n) {
    const auto to = static_cast<std::size_t>(n), source = static_cast<std::size_t>(offset(n));
    if (out.floats()) {
      out.f[to] = from.f[source];
    } else {
      out.i[to] = from.i[source];
    }
  }
  return out;
}

Result<Outputs> one(Result<Tensor> made) {
  if (!made) return tl::unexpected<Error>(std::move(made.error()));
  return Outputs{std::move(*made)};
}

// Elements in the dimensions from `begin` to `end`. The shape is a tensor's.
std::int64_t extent(const Shape& shape, std::size_t begin, std::size_t end) {
  std::int64_t count = 1;
  for (std::size_t d = begin; d < end; ++d) count *= shape[d];
  return count;
}

std::vector<std::int64_t> steps_of(const Shape& shape) {
  std::vector<std::int64_t> steps(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) steps[d - 1] = steps[d] * shape[d];
  return steps;
}

// Visits all indices of a shape in order, keeping an offset.
class Walk {
 public:
  Walk(Shape shape, std::vector<std::int64_t> steps, std::int64_t start)
      : shape_(std::move(shape)), steps_(std::move(steps)), at_(shape_.size()), offset_(start) {}
  std::int64_t operator()(std::int64_t) {
    const std::int64_t here = offset_;
    for (std::size_t d = shape_.size(); d-- > 0;) {
      offset_ += steps_[d];
      if (++at_[d] < shape_[d]) break;
      offset_ -= steps_[d] * shape_[d];
      at_[d] = 0;
    }
    return here;
  }

 private:
  Shape shape_;
  std::vector<std::int64_t> steps_;
  Shape at_;
  std::int64_t offset_;
};

// The same elements in another shape.
Result<Outputs> reshaped(const Tensor& x, Shape shape) {
  ASSIGN_OR_RETURN(const std::int64_t count, element_count(shape));
  if (count != x.size()) {
    return refuse(fmt::format("{} cannot become {}", shape_text(x.shape), shape_text(shape)));
  }
  Tensor y = x;
  y.shape = std::move(shape);
  return Outputs{std::move(y)};
}

Result<Outputs> transpose(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  const std::size_t rank = x->shape.size();
  std::vector<std::int64_t> order = call.list("perm", 1);
  if (order.empty()) {
    order.resize(rank);
    std::iota(order.rbegin(), order.rend(), 0);
  }
  std::vector<std::int64_t> sorted = order;
  std::ranges::sort(sorted);
  bool permutes = sorted.size() == rank;
  for (std::size_t d = 0; permutes && d < rank; ++d) {
    permutes = sorted[d] == static_cast<std::int64_t>(d);
  }
  if (!permutes) return refuse("perm is no permutation of the dimensions");
  Shape shape;
  std::vector<std::int64_t> steps;
  const std::vector<std::int64_t> old = steps_of(x->shape);
  for (const std::int64_t d : order) {
    shape.push_back(x->shape[static_cast<std::size_t>(d)]);
    steps.push_back(old[static_cast<std::size_t>(d)]);
  }
  return one(take(*x, shape, Walk(shape, steps, 0)));
}

Result<Outputs> reshape(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* asked, call.required(1));
  Shape shape = asked->i;
  const bool allow_zero = call.number("allowzero", 0) != 0;
  std::int64_t known = 1;
  std::optional<std::size_t> open;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0 && !allow_zero) {
      if (d >= x->shape.size()) return refuse("0 stands for a dimension that is not there");
      shape[d] = x->shape[d];
    }
    if (shape[d] == -1) {
      if (open) return refuse("-1 is there twice");
      open = d;
    } else if (shape[d] < 0 || shape[d] > kMaxElements ||
               (shape[d] != 0 && known > kMaxElements / shape[d])) {
      return refuse("a dimension is out of range: " + shape_text(shape));
    } else {
      known *= shape[d];
    }
  }
  if (open) {
    if (known == 0 || x->size() % known != 0) {
      return refuse(fmt::format("{} cannot become {}", shape_text(x->shape), shape_text(shape)));
    }
    shape[*open] = x->size() / known;
  }
  return reshaped(*x, std::move(shape));
}

Result<Outputs> flatten(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  const std::size_t rank = x->shape.size();
  const std::int64_t axis = call.number("axis", 1);
  std::size_t cut = rank;  // an axis may stand behind the last dimension
  if (axis != static_cast<std::int64_t>(rank)) {
    ASSIGN_OR_RETURN(cut, axis_of(axis, rank));
  }
  return reshaped(*x, {extent(x->shape, 0, cut), extent(x->shape, cut, rank)});
}

// The axes, each once, of a tensor of `rank` dimensions.
Result<std::vector<bool>> marked(const std::vector<std::int64_t>& axes, std::size_t rank) {
  std::vector<bool> out(rank);
  for (const std::int64_t axis : axes) {
    ASSIGN_OR_RETURN(const std::size_t d, axis_of(axis, rank));
    if (out[d]) return refuse("an axis is there twice");
    out[d] = true;
  }
  return out;
}

Result<Outputs> squeeze(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  const auto axes = call.list("axes", 1);
  ASSIGN_OR_RETURN(const std::vector<bool> gone, marked(axes, x->shape.size()));
  Shape shape;
  for (std::size_t d = 0; d < x->shape.size(); ++d) {
    const bool squeezed = axes.empty() ? x->shape[d] == 1 : gone[d];
    if (squeezed && x->shape[d] != 1) return refuse("only dimensions of 1 can go");
    if (!squeezed) shape.push_back(x->shape[d]);
  }
  return reshaped(*x, std::move(shape));
}

Result<Outputs> unsqueeze(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  const auto axes = call.list("axes", 1);
  const std::size_t rank = x->shape.size() + axes.size();
  if (rank > kMaxRank) return refuse("too many dimensions");
  ASSIGN_OR_RETURN(const std::vector<bool> fresh, marked(axes, rank));
  Shape shape;
  std::size_t old = 0;
  for (std::size_t d = 0; d < rank; ++d) shape.push_back(fresh[d] ? 1 : x->shape[old++]);
  return reshaped(*x, std::move(shape));
}

Result<Outputs> concat(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* first, call.required(0));
  ASSIGN_OR_RETURN(const std::size_t axis, axis_of(call.number("axis", 0), first->shape.size()));
  Shape shape = first->shape;
  shape[axis] = 0;
  for (std::size_t n = 0; n < call.inputs.size(); ++n) {
    ASSIGN_OR_RETURN(const Tensor* x, call.required(n));
    Shape rest = x->shape;
    if (x->type != first->type || rest.size() != shape.size()) {
      return refuse("the inputs differ in type or number of dimensions");
    }
    rest[axis] = first->shape[axis];
    if (rest != first->shape) return refuse("the inputs differ in another dimension");
    shape[axis] += x->shape[axis];
  }
  ASSIGN_OR_RETURN(Tensor out, zeros(first->type, shape));
  const std::int64_t outer = extent(shape, 0, axis);
  const auto copy = [&](auto member) {
    auto to = (out.*member).begin();
    for (std::int64_t o = 0; o < outer; ++o) {
      for (const Tensor* x : call.inputs) {
        const std::int64_t part = extent(x->shape, axis, shape.size());
        to = std::copy_n((x->*member).begin() + o * part, part, to);
      }
    }
  };
  if (out.floats()) {
    copy(&Tensor::f);
  } else {
    copy(&Tensor::i);
  }
  return Outputs{std::move(out)};
}

// A range along one axis.
Result<Tensor> section(const Tensor& x, std::size_t axis, std::int64_t start, std::int64_t length) {
  Shape shape = x.shape;
  shape[axis] = length;
  const std::vector<std::int64_t> steps = steps_of(x.shape);
  return take(x, shape, Walk(shape, steps, start * steps[axis]));
}

Result<Outputs> split(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  ASSIGN_OR_RETURN(const std::size_t axis, axis_of(call.number("axis", 0), x->shape.size()));
  std::vector<std::int64_t> parts = call.list("split", 1);
  const auto count = static_cast<std::int64_t>(call.node.outputs.size());
  if (parts.empty()) {
    if (count == 0 || x->shape[axis] % count != 0) return refuse("the parts are not equal");
    parts.assign(call.node.outputs.size(), x->shape[axis] / count);
  }
  std::int64_t left = x->shape[axis];
  for (const std::int64_t part : parts) {
    if (part < 0 || part > left) return refuse("the parts do not add up to the dimension");
    left -= part;
  }
  if (left != 0 || parts.size() != call.node.outputs.size()) {
    return refuse("the parts do not add up to the dimension, or to the number of outputs");
  }
  Outputs out;
  std::int64_t start = 0;
  for (const std::int64_t part : parts) {
    ASSIGN_OR_RETURN(Tensor made, section(*x, axis, start, part));
    out.push_back(std::move(made));
    start += part;
  }
  return out;
}

// Where a slice of a dimension begins and how many elements it has.
struct Range {
  std::int64_t start;
  std::int64_t length;
};
Range range_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t size) {
  const auto inside = [&](std::int64_t at, std::int64_t low, std::int64_t high) {
    if (at < 0) at = at < -size ? low : at + size;
    return std::clamp(at, low, high);
  };
  if (step > 0) {
    start = inside(start, 0, size);
    end = inside(end, 0, size);
    return {start, end > start ? (end - start - 1) / step + 1 : 0};
  }
  // An end before the first element is -1, which a negative number cannot say but by being far off.
  start = inside(start, -1, size - 1);
  end = inside(end, -1, size - 1);
  const std::int64_t by = step < -size ? size + 1 : -step;
  return {start, start > end ? (start - end - 1) / by + 1 : 0};
}

Result<Outputs> slice(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  const auto starts = call.list("starts", 1), ends = call.list("ends", 2);
  auto axes = call.list("axes", 3);
  auto strides = call.list("steps", 4);
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (strides.empty()) strides.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      strides.size() != starts.size()) {
    return refuse("starts, ends, axes and steps differ in length");
  }
  TRY(marked(axes, x->shape.size()));
  Shape shape = x->shape;
  std::vector<std::int64_t> steps = steps_of(x->shape);
  std::int64_t offset = 0;
  for (std::size_t n = 0; n < axes.size(); ++n) {
    ASSIGN_OR_RETURN(const std::size_t d, axis_of(axes[n], x->shape.size()));
    if (strides[n] == 0) return refuse("a step of 0");
    const Range range = range_of(starts[n], ends[n], strides[n], x->shape[d]);
    shape[d] = range.length;
    if (range.length > 0) offset += range.start * steps[d];
    // A step that is never taken may be of any size.
    steps[d] = range.length > 1 ? steps[d] * strides[n] : 0;
  }
  return one(take(*x, shape, Walk(shape, steps, offset)));
}

Result<Outputs> gather(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* indices, call.required(1));
  ASSIGN_OR_RETURN(const std::size_t axis, axis_of(call.number("axis", 0), x->shape.size()));
  if (indices->floats()) return refuse("indices are not integers");
  const std::int64_t size = x->shape[axis];
  for (const std::int64_t i : indices->i) {
    if (i < -size || i >= size) return refuse(fmt::format("index {} of {}", i, size));
  }
  Shape shape(x->shape.begin(), x->shape.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), indices->shape.begin(), indices->shape.end());
  shape.insert(shape.end(), x->shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1,
               x->shape.end());
  const std::int64_t inner = extent(x->shape, axis + 1, x->shape.size());
  const std::int64_t chosen = indices->size();
  return one(take(*x, std::move(shape), [&](std::int64_t n) {
    const std::int64_t column = n % inner, row = n / inner;
    const std::int64_t i = indices->i[static_cast<std::size_t>(row % chosen)];
    return ((row / chosen) * size + (i < 0 ? i + size : i)) * inner + column;
  }));
}

Result<Outputs> expand(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  ASSIGN_OR_RETURN(const Tensor* asked, call.required(1));
  TRY(element_count(asked->i));
  ASSIGN_OR_RETURN(const Shape shape, broadcast(x->shape, asked->i));
  BroadcastIndex index(x->shape, shape);
  return one(take(*x, shape, [&](std::int64_t) {
    const std::int64_t here = index.offset();
    index.next();
    return here;
  }));
}

Tensor list_of(std::vector<std::int64_t> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {.type = Type::kInt64, .shape = {count}, .f = {}, .i = std::move(values)};
}

Result<Outputs> shape_of(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  const auto rank = static_cast<std::int64_t>(x->shape.size());
  const auto place = [&](const char* name, std::int64_t otherwise) {
    const std::int64_t at = call.number(name, otherwise);
    return std::clamp<std::int64_t>(at < 0 ? (at < -rank ? 0 : at + rank) : at, 0, rank);
  };
  const std::int64_t start = place("start", 0), end = place("end", rank);
  Shape part;
  for (std::int64_t d = start; d < end; ++d) part.push_back(x->shape[static_cast<std::size_t>(d)]);
  return Outputs{list_of(std::move(part))};
}

Result<Outputs> size_of(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* x, call.required(0));
  Tensor out = list_of({x->size()});
  out.shape.clear();
  return Outputs{std::move(out)};
}

Result<Outputs> constant(const Call& call) {
  if (const Attribute* a = call.attribute("value"); a != nullptr && a->t) return Outputs{*a->t};
  Tensor out;
  if (const Attribute* a = call.attribute("value_float"); a != nullptr && a->f) {
    out.f = {*a->f};
  } else if (const Attribute* b = call.attribute("value_floats"); b != nullptr) {
    out.f = b->floats;
    out.shape = {static_cast<std::int64_t>(out.f.size())};
  } else if (const Attribute* c = call.attribute("value_int"); c != nullptr && c->i) {
    out = list_of({*c->i});
    out.shape.clear();
  } else if (const Attribute* d = call.attribute("value_ints"); d != nullptr) {
    out = list_of(d->ints);
  } else {
    return fail(ErrorCode::kUnsupported, "the value is neither tensor nor numbers");
  }
  return Outputs{std::move(out)};
}

Result<Outputs> constant_of_shape(const Call& call) {
  ASSIGN_OR_RETURN(const Tensor* shape, call.required(0));
  Tensor value{.type = Type::kFloat, .shape = {1}, .f = {0}, .i = {}};
  if (const Attribute* given = call.attribute("value"); given != nullptr && given->t) {
    value = *given->t;
  }
  if (value.size() != 1) return refuse("the value has more than one element");
  ASSIGN_OR_RETURN(Tensor out, zeros(value.type, shape->i));
  std::ranges::fill(out.f, out.floats() ? value.f[0] : 0);
  std::ranges::fill(out.i, out.floats() ? 0 : value.i[0]);
  return Outputs{std::move(out)};
}

constexpr NamedOperator kOperators[] = {
    {"Concat", concat},       {"Constant", constant},   {"ConstantOfShape", constant_of_shape},
    {"Expand", expand},       {"Flatten", flatten},     {"Gather", gather},
    {"Reshape", reshape},     {"Shape", shape_of},      {"Size", size_of},
    {"Slice", slice},         {"Split", split},         {"Squeeze", squeeze},
    {"Transpose", transpose}, {"Unsqueeze", unsqueeze},
};

}  // namespace

std::span<const NamedOperator> shape_operators() { return kOperators; }

}  // namespace orrery::onnx

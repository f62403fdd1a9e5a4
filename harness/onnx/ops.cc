#include "harness/onnx/ops.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::onnx {
namespace {

std::vector<std::span<const NamedOperator>> all() {
  return {elementwise_operators(), shape_operators(), reduction_operators(), matrix_operators(),
          quantised_operators()};
}

}  // namespace

tl::unexpected<Error> refuse(std::string what) {
  return fail(ErrorCode::kInvalidArgument, std::move(what));
}

Result<const Tensor*> Call::required(std::size_t n) const {
  if (const Tensor* found = input(n)) return found;
  return refuse(fmt::format("input {} is missing", n));
}

const Attribute* Call::attribute(std::string_view name) const {
  const auto found = node.attributes.find(std::string(name));
  return found == node.attributes.end() ? nullptr : &found->second;
}

std::int64_t Call::number(std::string_view name, std::int64_t otherwise) const {
  const Attribute* found = attribute(name);
  return found != nullptr && found->i ? *found->i : otherwise;
}

double Call::real(std::string_view name, double otherwise) const {
  const Attribute* found = attribute(name);
  return found != nullptr && found->f ? *found->f : otherwise;
}

std::vector<std::int64_t> Call::list(std::string_view attribute_name,
                                     std::size_t input_number) const {
  if (const Attribute* found = attribute(attribute_name)) return found->ints;
  const Tensor* given = input(input_number);
  return given == nullptr ? std::vector<std::int64_t>{} : given->i;
}

Operator find_operator(std::string_view name) {
  for (const auto& group : all()) {
    const auto found = std::ranges::find(group, name, &NamedOperator::name);
    if (found != group.end()) return found->function;
  }
  return nullptr;
}

Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto n = static_cast<std::int64_t>(rank);
  if (axis >= -n && axis < n) return static_cast<std::size_t>(axis < 0 ? axis + n : axis);
  return refuse(fmt::format("axis {} of a tensor of {} dimensions", axis, rank));
}

}  // namespace orrery::onnx

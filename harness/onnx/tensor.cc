#include "harness/onnx/tensor.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>

namespace orrery::onnx {
namespace {

struct Bits {
  unsigned bits;
  bool is_signed;
};

Bits bits_of(Type type) {
  switch (type) {
    case Type::kUint8: return {8, false};
    case Type::kInt8: return {8, true};
    case Type::kUint16: return {16, false};
    case Type::kInt16: return {16, true};
    case Type::kUint32: return {32, false};
    case Type::kInt32: return {32, true};
    case Type::kUint64: return {64, false};
    default: return {64, true};
  }
}

// To `digits` binary digits, ties to even; below 2^lowest in steps of 2^(lowest - digits + 1).
double to_digits(double value, int digits, int lowest, double beyond) {
  if (value == 0 || !std::isfinite(value)) return value;
  int exponent = 0;
  std::frexp(value, &exponent);  // |value| in [2^(e-1), 2^e)
  const int step = std::max(exponent - 1, lowest) - digits + 1;
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -step)), step);
  return std::abs(rounded) >= beyond ? std::copysign(std::numeric_limits<double>::infinity(), value)
                                     : rounded;
}

}  // namespace

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kFloat: return "float32";
    case Type::kUint8: return "uint8";
    case Type::kInt8: return "int8";
    case Type::kUint16: return "uint16";
    case Type::kInt16: return "int16";
    case Type::kInt32: return "int32";
    case Type::kInt64: return "int64";
    case Type::kString: return "string";
    case Type::kBool: return "bool";
    case Type::kFloat16: return "float16";
    case Type::kDouble: return "float64";
    case Type::kUint32: return "uint32";
    case Type::kUint64: return "uint64";
    case Type::kBfloat16: return "bfloat16";
    case Type::kUndefined: break;
  }
  return "undefined";
}

bool is_float(Type t) {
  return t == Type::kFloat || t == Type::kDouble || t == Type::kFloat16 || t == Type::kBfloat16;
}

bool is_integer(Type t) { return type_size(t) != 0 && !is_float(t) && t != Type::kBool; }

std::size_t type_size(Type t) {
  switch (t) {
    case Type::kFloat: return 4;
    case Type::kFloat16:
    case Type::kBfloat16: return 2;
    case Type::kDouble: return 8;
    case Type::kBool: return 1;
    case Type::kString:
    case Type::kUndefined: return 0;
    default: return bits_of(t).bits / 8;
  }
}

Result<std::int64_t> element_count(const Shape& shape) {
  if (shape.size() > kMaxRank) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} dimensions, at most {}", shape.size(), kMaxRank));
  }
  std::int64_t count = 1;
  bool empty = false, huge = false;
  for (const std::int64_t d : shape) {
    if (d < 0) {
      return fail(ErrorCode::kInvalidArgument, "a negative dimension in " + shape_text(shape));
    }
    empty = empty || d == 0;
    huge = huge || (d != 0 && count > kMaxElements / d);
    if (!huge && d != 0) count *= d;
  }
  if (!huge) return empty ? 0 : count;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a tensor of shape {} is larger than {} elements", shape_text(shape),
                          kMaxElements));
}

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

double half_to_double(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double mantissa = bits & 1023;
  double value = 0;
  if (exponent == 31) {
    value = mantissa == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  } else {
    value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
  }
  return bits >> 15 != 0 ? -value : value;
}

double round_to(Type type, double value) {
  switch (type) {
    case Type::kFloat: return static_cast<double>(static_cast<float>(value));
    case Type::kFloat16: return to_digits(value, 11, -14, 65520);
    case Type::kBfloat16: return to_digits(value, 8, -126, 0x1p128);
    default: return value;
  }
}

std::int64_t wrap_to(Type type, std::int64_t value) {
  if (type == Type::kBool) return value != 0;
  const Bits b = bits_of(type);
  if (b.bits == 64) return value;
  const unsigned drop = 64 - b.bits;
  const auto high = static_cast<std::uint64_t>(value) << drop;
  return b.is_signed ? static_cast<std::int64_t>(high) >> drop
                     : static_cast<std::int64_t>(high >> drop);
}

std::int64_t saturate_to(Type type, double value) {
  if (std::isnan(value)) return 0;
  if (type == Type::kBool) return value != 0;
  const Bits b = bits_of(type);
  const double low = b.is_signed ? -std::ldexp(1.0, static_cast<int>(b.bits) - 1) : 0;
  const double high = std::ldexp(1.0, static_cast<int>(b.bits) - (b.is_signed ? 1 : 0));  // beyond
  if (value <= low) return static_cast<std::int64_t>(low);
  if (value < high) {
    return b.bits == 64 && !b.is_signed
               ? static_cast<std::int64_t>(static_cast<std::uint64_t>(value))
               : static_cast<std::int64_t>(value);
  }
  if (b.bits < 64) return static_cast<std::int64_t>(high) - 1;
  return b.is_signed ? INT64_MAX : -1;
}

double Tensor::number(std::int64_t at) const {
  const auto n = static_cast<std::size_t>(at);
  if (floats()) return f[n];
  return type == Type::kUint64 ? static_cast<double>(static_cast<std::uint64_t>(i[n]))
                               : static_cast<double>(i[n]);
}

std::int64_t Tensor::integer(std::int64_t at) const {
  const auto n = static_cast<std::size_t>(at);
  return floats() ? saturate_to(Type::kInt64, f[n]) : i[n];
}

void Tensor::set(std::int64_t at, double value) {
  const auto n = static_cast<std::size_t>(at);
  if (floats()) {
    f[n] = round_to(type, value);
  } else {
    i[n] = saturate_to(type, value);
  }
}

void Tensor::set(std::int64_t at, std::int64_t value) {
  const auto n = static_cast<std::size_t>(at);
  if (floats()) {
    f[n] = round_to(type, static_cast<double>(value));
  } else {
    i[n] = wrap_to(type, value);
  }
}

Result<Tensor> zeros(Type type, Shape shape) {
  if (type_size(type) == 0) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("tensors of type {} are not supported", type_name(type)));
  }
  ASSIGN_OR_RETURN(const std::int64_t count, element_count(shape));
  Tensor out{.type = type, .shape = std::move(shape), .f = {}, .i = {}};
  if (out.floats()) {
    out.f.resize(static_cast<std::size_t>(count));
  } else {
    out.i.resize(static_cast<std::size_t>(count));
  }
  return out;
}

Result<Shape> broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape out = longer;
  const std::size_t skip = longer.size() - shorter.size();
  for (std::size_t d = 0; d < shorter.size(); ++d) {
    std::int64_t& mine = out[skip + d];
    if (mine == 1) {
      mine = shorter[d];
    } else if (shorter[d] != 1 && shorter[d] != mine) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("shapes {} and {} do not go together", shape_text(a), shape_text(b)));
    }
  }
  TRY(element_count(out));
  return out;
}

BroadcastIndex::BroadcastIndex(const Shape& from, const Shape& shape)
    : shape_(shape), step_(shape.size()), at_(shape.size()) {
  std::int64_t step = 1;
  for (std::size_t d = from.size(); d-- > 0;) {
    const std::size_t to = shape.size() - from.size() + d;
    step_[to] = from[d] == 1 ? 0 : step;
    step *= from[d];
  }
}

void BroadcastIndex::next() {
  for (std::size_t d = shape_.size(); d-- > 0;) {
    offset_ += step_[d];
    if (++at_[d] < shape_[d]) return;
    offset_ -= step_[d] * shape_[d];
    at_[d] = 0;
  }
}

}  // namespace orrery::onnx

// Values of an ONNX graph. Floats of all widths are doubles that their type can hold, integers and
// booleans 64-bit numbers that theirs can hold (of uint64 the bits).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace orrery::onnx {

enum class Type : std::uint8_t {  // numbers of TensorProto.DataType
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
};
std::string_view type_name(Type type);
bool is_float(Type type);          // of any width
bool is_integer(Type type);        // not bool
std::size_t type_size(Type type);  // bytes; 0 for types that are not held

using Shape = std::vector<std::int64_t>;

// Tensors of more elements are refused, so that a small file cannot ask for all memory.
inline constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;
inline constexpr std::size_t kMaxRank = 16;

// Their product. kInvalidArgument: a negative dimension, too many of them, or more than
// kMaxElements, for which dimensions of 0 do not count, so that products of dimensions never
// overflow.
Result<std::int64_t> element_count(const Shape& shape);
std::string shape_text(const Shape& shape);

struct Tensor {
  Type type = Type::kFloat;
  Shape shape;
  std::vector<double> f;        // is_float(type)
  std::vector<std::int64_t> i;  // otherwise

  bool floats() const { return is_float(type); }
  std::int64_t size() const { return static_cast<std::int64_t>(floats() ? f.size() : i.size()); }
  // Element as a number of the other kind: uint64 as what it is, floats towards zero and saturated.
  double number(std::int64_t at) const;
  std::int64_t integer(std::int64_t at) const;
  // Stores a number, rounded to the type.
  void set(std::int64_t at, double value);
  void set(std::int64_t at, std::int64_t value);
};

// Zeros. kInvalidArgument as element_count; kUnsupported: a type that is not held.
Result<Tensor> zeros(Type type, Shape shape);

// The nearest value of the type: floats to even (float16 and bfloat16 too, beyond their range to
// infinity), integers modulo 2^bits, bool to 0 or 1.
double round_to(Type type, double value);
std::int64_t wrap_to(Type type, std::int64_t value);
// Integer types clamp instead: what quantisation does.
std::int64_t saturate_to(Type type, double value);
double half_to_double(std::uint16_t bits);

// numpy's rule: dimensions are aligned at the end, 1 stretches. kInvalidArgument if they do not
// fit.
Result<Shape> broadcast(const Shape& a, const Shape& b);

// For each element of `shape`, in order, the offset of its source in a tensor of shape `from`,
// which broadcasts to it.
class BroadcastIndex {
 public:
  BroadcastIndex(const Shape& from, const Shape& shape);
  std::int64_t offset() const { return offset_; }
  void next();

 private:
  Shape shape_;
  std::vector<std::int64_t> step_;  // of each dimension of `shape`
  Shape at_;
  std::int64_t offset_ = 0;
};

}  // namespace orrery::onnx

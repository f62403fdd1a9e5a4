#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "harness/onnx/fields.h"
#include "harness/onnx/file.h"

namespace orrery::onnx {
namespace {

struct TensorFields {
  Shape dims;
  std::int64_t type = 0;
  std::string name;
  std::vector<double> floats, doubles;
  std::vector<std::int64_t> int32s, int64s, uint64s;
  std::optional<ByteView> raw;
};

Status read_tensor_fields(ByteView message, TensorFields& out) {
  constexpr const char* kWhat = "tensor";
  return each_field(message, kWhat, [&](const WireField& f) -> Status {
    switch (f.number) {
      case 1: return read_numbers(f, kWhat, out.dims);
      case 2: return read_number(f, kWhat, out.type);
      case 4: return read_floats(f, 4, kWhat, out.floats);
      case 5: return read_numbers(f, kWhat, out.int32s);
      case 6: return unsupported("tensors of strings are not supported");
      case 7: return read_numbers(f, kWhat, out.int64s);
      case 8: return read_text(f, kWhat, out.name);
      case 9:
        TRY(expect(f, WireType::kBytes, kWhat));
        out.raw = f.bytes;
        return {};
      case 10: return read_floats(f, 8, kWhat, out.doubles);
      case 11: return read_numbers(f, kWhat, out.uint64s);
      case 13: return unsupported("tensors in other files are not supported");
      case 14: {
        std::int64_t location = 0;
        TRY(read_number(f, kWhat, location));
        if (location != 0) return unsupported("tensors in other files are not supported");
        return {};
      }
      default: return {};
    }
  });
}

double raw_float(Type type, std::uint64_t bits) {
  switch (type) {
    case Type::kFloat: return from_bits(bits, 4);
    case Type::kDouble: return from_bits(bits, 8);
    case Type::kFloat16: return half_to_double(static_cast<std::uint16_t>(bits));
    default: return from_bits(bits << 16, 4);  // bfloat16
  }
}

Status fill_raw(ByteView raw, Tensor& out) {
  const std::size_t size = type_size(out.type);
  if (raw.size() != static_cast<std::size_t>(out.size()) * size) {
    return malformed(
        fmt::format("{} bytes of data for {} {}", raw.size(), out.size(), type_name(out.type)));
  }
  for (std::int64_t n = 0; n < out.size(); ++n) {
    const auto at = static_cast<std::size_t>(n);
    const std::uint64_t bits = little_endian(raw.subspan(at * size, size));
    if (out.floats()) {
      out.f[at] = raw_float(out.type, bits);
    } else {
      out.i[at] = wrap_to(out.type, static_cast<std::int64_t>(bits));
    }
  }
  return {};
}

// Which of the typed lists holds the data follows from the type.
Status fill_typed(const TensorFields& in, Tensor& out) {
  const bool by_double = out.type == Type::kDouble, by_float = out.type == Type::kFloat;
  const std::vector<double>& floats = by_double ? in.doubles : in.floats;
  const std::vector<std::int64_t>& numbers =
      out.type == Type::kInt64                                 ? in.int64s
      : out.type == Type::kUint64 || out.type == Type::kUint32 ? in.uint64s
                                                               : in.int32s;
  const std::size_t given = by_double || by_float ? floats.size() : numbers.size();
  if (given != static_cast<std::size_t>(out.size())) {
    return malformed(
        fmt::format("{} values for a tensor of shape {}", given, shape_text(out.shape)));
  }
  for (std::size_t n = 0; n < given; ++n) {
    if (by_double || by_float) {
      out.f[n] = floats[n];
    } else if (out.floats()) {  // the bits of float16 and bfloat16
      out.f[n] = raw_float(out.type, static_cast<std::uint64_t>(numbers[n]) & 0xffffu);
    } else {
      out.i[n] = wrap_to(out.type, numbers[n]);
    }
  }
  return {};
}

void put_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80u));
  out.push_back(static_cast<std::uint8_t>(value));
}

// The bits of a value in its type, for types whose values are doubles here.
std::uint64_t float_bits(Type type, double value) {
  if (type == Type::kDouble) return std::bit_cast<std::uint64_t>(value);
  const std::uint64_t single = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  if (type == Type::kFloat) return single;
  if (type == Type::kBfloat16) return single >> 16;
  // float16, by search: half_to_double grows with the bits of a magnitude.
  std::uint16_t low = 0, high = 0x7c00;
  if (value != value) return 0x7e00;
  const double magnitude = value < 0 ? -value : value;
  while (low < high) {
    const auto middle = static_cast<std::uint16_t>((low + high) / 2);
    if (half_to_double(middle) < magnitude) {
      low = static_cast<std::uint16_t>(middle + 1);
    } else {
      high = middle;
    }
  }
  return std::uint64_t{low} | (single >> 31 << 15);
}

}  // namespace

Result<Tensor> parse_tensor(ByteView message, std::string* name) {
  TensorFields in;
  TRY(read_tensor_fields(message, in));
  ASSIGN_OR_RETURN(const Type type, type_of(in.type));
  // The data are there before memory is asked for.
  const auto count = element_count(in.dims);
  if (!count) return malformed("tensor: " + count.error().message);
  const std::size_t most =
      std::max({in.floats.size(), in.doubles.size(), in.int32s.size(), in.int64s.size(),
                in.uint64s.size(), in.raw ? in.raw->size() : 0});
  if (static_cast<std::size_t>(*count) > most) {
    return malformed(
        fmt::format("tensor {:?} of shape {} lacks data", in.name, shape_text(in.dims)));
  }
  ASSIGN_OR_RETURN(Tensor out, zeros(type, std::move(in.dims)));
  if (in.raw) {
    TRY(fill_raw(*in.raw, out));
  } else {
    TRY(fill_typed(in, out));
  }
  if (name != nullptr) *name = std::move(in.name);
  return out;
}

Bytes encode_tensor(const Tensor& tensor, const std::string& name) {
  Bytes out;
  const auto key = [&](std::uint32_t number, WireType type) {
    put_varint(out, number << 3 | static_cast<std::uint32_t>(type));
  };
  for (const std::int64_t d : tensor.shape) {
    key(1, WireType::kVarint);
    put_varint(out, static_cast<std::uint64_t>(d));
  }
  key(2, WireType::kVarint);
  put_varint(out, static_cast<std::uint64_t>(tensor.type));
  key(8, WireType::kBytes);
  put_varint(out, name.size());
  out.insert(out.end(), name.begin(), name.end());
  key(9, WireType::kBytes);
  const std::size_t size = type_size(tensor.type);
  put_varint(out, static_cast<std::size_t>(tensor.size()) * size);
  for (std::int64_t n = 0; n < tensor.size(); ++n) {
    const auto at = static_cast<std::size_t>(n);
    const std::uint64_t bits = tensor.floats() ? float_bits(tensor.type, tensor.f[at])
                                               : static_cast<std::uint64_t>(tensor.i[at]);
    for (std::size_t b = 0; b < size; ++b) {
      out.push_back(static_cast<std::uint8_t>(bits >> (8 * b)));
    }
  }
  return out;
}

}  // namespace orrery::onnx

#include "harness/onnx/wire.h"

namespace orrery::onnx {

bool WireReader::fail() {
  failed_ = true;
  rest_ = {};
  return false;
}

bool WireReader::varint(std::uint64_t& value) {
  constexpr unsigned kMostBytes = 10;
  value = 0;
  for (unsigned i = 0; i < kMostBytes; ++i) {
    if (rest_.empty()) return fail();
    const std::uint8_t byte = rest_[0];
    rest_ = rest_.subspan(1);
    if (i + 1 == kMostBytes && byte > 1) return fail();
    value |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) return true;
  }
  return fail();
}

bool WireReader::fixed(std::size_t bytes, std::uint64_t& value) {
  if (rest_.size() < bytes) return fail();
  value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{rest_[i]} << (8 * i);
  rest_ = rest_.subspan(bytes);
  return true;
}

bool WireReader::next(WireField& field) {
  if (rest_.empty()) return false;
  std::uint64_t key = 0;
  if (!varint(key)) return false;
  if (key >> 3 == 0 || key >> 3 > 0x1fffffffu) return fail();
  field = {.number = static_cast<std::uint32_t>(key >> 3),
           .type = static_cast<WireType>(key & 7u),
           .value = 0,
           .bytes = {}};
  switch (field.type) {
    case WireType::kVarint: return varint(field.value);
    case WireType::kFixed64: return fixed(8, field.value);
    case WireType::kFixed32: return fixed(4, field.value);
    case WireType::kBytes: {
      std::uint64_t length = 0;
      if (!varint(length)) return false;
      if (length > rest_.size()) return fail();
      field.bytes = rest_.first(length);
      rest_ = rest_.subspan(length);
      return true;
    }
  }
  return fail();  // groups, which nobody writes any more
}

}  // namespace orrery::onnx

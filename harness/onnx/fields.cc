#include "harness/onnx/fields.h"

#include <fmt/format.h>

#include <bit>

namespace orrery::onnx {

tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::kMalformed, std::move(what));
}
tl::unexpected<Error> unsupported(std::string what) {
  return fail(ErrorCode::kUnsupported, std::move(what));
}

Status expect(const WireField& f, WireType type, const char* what) {
  if (f.type == type) return {};
  return malformed(fmt::format("{}: field {} is of the wrong kind", what, f.number));
}

Status read_text(const WireField& f, const char* what, std::string& out) {
  TRY(expect(f, WireType::kBytes, what));
  out.assign(f.bytes.begin(), f.bytes.end());
  return {};
}

Status read_number(const WireField& f, const char* what, std::int64_t& out) {
  TRY(expect(f, WireType::kVarint, what));
  out = static_cast<std::int64_t>(f.value);
  return {};
}

Status read_numbers(const WireField& f, const char* what, std::vector<std::int64_t>& out) {
  if (f.type != WireType::kBytes) {
    TRY(expect(f, WireType::kVarint, what));
    out.push_back(static_cast<std::int64_t>(f.value));
    return {};
  }
  WireReader in(f.bytes);
  std::uint64_t value = 0;
  while (!in.at_end() && in.varint(value)) out.push_back(static_cast<std::int64_t>(value));
  if (in.failed()) return malformed(fmt::format("{}: a list of numbers breaks off", what));
  return {};
}

double from_bits(std::uint64_t bits, std::size_t bytes) {
  return bytes == 4 ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)))
                    : std::bit_cast<double>(bits);
}

std::uint64_t little_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}

Status read_floats(const WireField& f, std::size_t size, const char* what,
                   std::vector<double>& out) {
  if (f.type != WireType::kBytes) {
    TRY(expect(f, size == 4 ? WireType::kFixed32 : WireType::kFixed64, what));
    out.push_back(from_bits(f.value, size));
    return {};
  }
  if (f.bytes.size() % size != 0) return malformed(fmt::format("{}: a broken list", what));
  for (std::size_t at = 0; at < f.bytes.size(); at += size) {
    out.push_back(from_bits(little_endian(f.bytes.subspan(at, size)), size));
  }
  return {};
}

Result<Type> type_of(std::int64_t number) {
  if (number >= 1 && number <= 16) {
    const auto type = static_cast<Type>(number);
    if (type_size(type) != 0 && number != 14 && number != 15) return type;
    return unsupported(
        fmt::format("tensors of type {} are not supported", number == 8 ? "string" : "complex"));
  }
  return malformed(fmt::format("a tensor of unknown type {}", number));
}

}  // namespace orrery::onnx

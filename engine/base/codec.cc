#include "engine/base/codec.h"

#include <algorithm>

namespace orrery {
namespace {

template <class T>
void put(Bytes& out, T v) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  }
}

template <class T>
T get(ByteView bytes) {
  T v = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) v = static_cast<T>(v << 8 | bytes[i]);
  return v;
}

}  // namespace

Writer& Writer::u8(std::uint8_t v) {
  out_.push_back(v);
  return *this;
}
Writer& Writer::u16(std::uint16_t v) {
  put(out_, v);
  return *this;
}
Writer& Writer::u32(std::uint32_t v) {
  put(out_, v);
  return *this;
}
Writer& Writer::u64(std::uint64_t v) {
  put(out_, v);
  return *this;
}
Writer& Writer::wide(u128 v) {
  put(out_, v);
  return *this;
}
Writer& Writer::raw(ByteView bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return *this;
}
Writer& Writer::bytes(ByteView bytes) {
  ENSURE(bytes.size() <= UINT32_MAX, "a length field holds 32 bits");
  return u32(static_cast<std::uint32_t>(bytes.size())).raw(bytes);
}

ByteView Reader::raw(std::size_t size) {
  if (!ok()) return {};
  if (size > rest_.size()) {
    fail("input ends early");
    return {};
  }
  const ByteView taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

std::uint8_t Reader::u8() { return get<std::uint8_t>(raw(1)); }
std::uint16_t Reader::u16() { return get<std::uint16_t>(raw(2)); }
std::uint32_t Reader::u32() { return get<std::uint32_t>(raw(4)); }
std::uint64_t Reader::u64() { return get<std::uint64_t>(raw(8)); }
u128 Reader::wide() { return get<u128>(raw(16)); }

bool Reader::boolean() {
  const std::uint8_t v = u8();
  if (v > 1) fail("a boolean is 0 or 1");
  return v == 1;
}

ByteView Reader::bytes(std::size_t max_size) {
  const std::uint32_t size = u32();
  if (size > max_size) {
    fail("a byte string exceeds its bound");
    return {};
  }
  return raw(size);
}

Hash256 Reader::hash() { return Hash256{array<32>()}; }

std::uint32_t Reader::count(std::uint32_t max, std::size_t min_element_size) {
  const std::uint32_t n = u32();
  if (n > max || n * static_cast<std::uint64_t>(min_element_size) > rest_.size()) {
    fail("an element count exceeds its bound");
    return 0;
  }
  return ok() ? n : 0;
}

void Reader::fail(std::string_view why) {
  if (ok()) error_ = std::string(why);
}

Status Reader::finish() const {
  if (!ok()) return orrery::fail(ErrorCode::kMalformed, error_);
  if (!rest_.empty()) return orrery::fail(ErrorCode::kMalformed, "bytes are left over");
  return {};
}

}  // namespace orrery

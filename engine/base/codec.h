// The one binary codec: fixed width, little endian, field by field, no padding. A decoder reads
// with Reader, whose first failure sticks, and ends with finish(): bytes left over are an error, so
// encode(decode(b)) == b or b is refused.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/base/integer.h"
#include "engine/base/result.h"

namespace orrery {

class Writer {
 public:
  Writer& u8(std::uint8_t v);
  Writer& u16(std::uint16_t v);
  Writer& u32(std::uint32_t v);
  Writer& u64(std::uint64_t v);
  Writer& i64(std::int64_t v) { return u64(static_cast<std::uint64_t>(v)); }
  Writer& wide(u128 v);                 // 16 bytes
  Writer& boolean(bool v) { return u8(v ? 1 : 0); }
  Writer& raw(ByteView bytes);          // no length
  Writer& bytes(ByteView bytes);        // u32 length, then the bytes
  Writer& text(std::string_view text) { return bytes(as_bytes(text)); }
  Writer& hash(const Hash256& h) { return raw(h.view()); }
  template <std::size_t N>
  Writer& array(const std::array<std::uint8_t, N>& a) {
    return raw(ByteView(a));
  }

  const Bytes& view() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  u128 wide();
  bool boolean();                         // 0 or 1, nothing else
  ByteView raw(std::size_t size);
  ByteView bytes(std::size_t max_size);   // fails if the stated length exceeds max_size
  std::string text(std::size_t max_size) { return std::string(as_text(bytes(max_size))); }
  Hash256 hash();
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    std::array<std::uint8_t, N> a{};
    const ByteView v = raw(N);
    if (v.size() == N) std::copy(v.begin(), v.end(), a.begin());
    return a;
  }
  // A u32 element count, refused above max or if the rest cannot hold `count * min_element_size`.
  std::uint32_t count(std::uint32_t max, std::size_t min_element_size);

  // Marks the input as malformed; the first message sticks.
  void fail(std::string_view why);
  bool ok() const { return error_.empty(); }
  std::size_t left() const { return rest_.size(); }
  // kMalformed if anything failed or bytes are left over.
  Status finish() const;

 private:
  ByteView rest_;
  std::string error_;
};

}  // namespace orrery

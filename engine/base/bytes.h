// Byte strings: owned (Bytes), viewed (ByteView), and shared immutable buffers (Buffer) that cross
// the seam without a copy and carry their content hash.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/digest.h"

namespace orrery {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteView bytes);
// Nothing if the length is odd or a digit is not hexadecimal (upper case is refused: one spelling).
std::optional<Bytes> from_hex(std::string_view text);

// An immutable, shared byte string with its 128-bit content hash, computed once at construction.
// Copying is a reference count; the empty Buffer has no allocation. A shared_ptr because one
// broadcast is held by thousands of in-flight messages and stores at once.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Bytes bytes) : rep_(std::make_shared<const Rep>(std::move(bytes))) {}

  ByteView view() const { return rep_ ? ByteView(rep_->bytes) : ByteView(); }
  std::size_t size() const { return rep_ ? rep_->bytes.size() : 0; }
  bool empty() const { return size() == 0; }
  Digest128 hash() const { return rep_ ? rep_->hash : hash128({}); }
  friend bool operator==(const Buffer& a, const Buffer& b) { return a.hash() == b.hash(); }

 private:
  struct Rep {
    explicit Rep(Bytes b) : bytes(std::move(b)), hash(hash128(bytes)) {}
    Bytes bytes;
    Digest128 hash;
  };
  std::shared_ptr<const Rep> rep_;
};

}  // namespace orrery

// Fields of a message in the wire format of protocol buffers, one after the other. A message is
// field after field: a key (number and wire type), then a varint, 4 or 8 bytes, or a length and
// bytes. Unknown fields are the caller's to pass over.
#pragma once

#include <cstdint>

#include "engine/base/bytes.h"

namespace orrery::onnx {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;  // varint, or the bits of a fixed field
  ByteView bytes;           // kBytes
};

// Reads from `message`, which must outlive it.
class WireReader {
 public:
  explicit WireReader(ByteView message) : rest_(message) {}
  // False at the end, and where the message breaks off or is none: then failed().
  bool next(WireField& field);
  bool failed() const { return failed_; }

  // A varint at the reader's place, for packed lists.
  bool varint(std::uint64_t& value);
  bool at_end() const { return rest_.empty(); }

 private:
  bool fail();
  bool fixed(std::size_t bytes, std::uint64_t& value);

  ByteView rest_;
  bool failed_ = false;
};

}  // namespace orrery::onnx

// Messages of protocol buffers, written field by field, for tests of what reads them.
#pragma once

#include <string_view>
#include <utility>

#include "engine/base/bytes.h"
#include "harness/onnx/file.h"

namespace orrery::onnx {

class Message {
 public:
  Message number(std::uint32_t field, std::uint64_t value) && {
    varint(field << 3);
    varint(value);
    return std::move(*this);
  }
  Message bytes(std::uint32_t field, ByteView value) && {
    varint(field << 3 | 2u);
    varint(value.size());
    out_.insert(out_.end(), value.begin(), value.end());
    return std::move(*this);
  }
  Message text(std::uint32_t field, std::string_view value) && {
    return std::move(*this).bytes(field, as_bytes(value));
  }
  Message message(std::uint32_t field, Message value) && {
    return std::move(*this).bytes(field, value.out_);
  }
  Bytes take() && { return std::move(out_); }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<std::uint8_t>(value | 0x80u));
    out_.push_back(static_cast<std::uint8_t>(value));
  }
  Bytes out_;
};

inline Message value_info(std::string_view name, const Shape& shape) {
  Message dims;
  for (const std::int64_t d : shape) {
    Message dim =
        d < 0 ? Message().text(2, "n") : Message().number(1, static_cast<std::uint64_t>(d));
    dims = std::move(dims).message(1, std::move(dim));
  }
  Message tensor = Message().number(1, 1).message(2, std::move(dims));
  return Message().text(1, name).message(2, Message().message(1, std::move(tensor)));
}

// A model of operator set 13 around a graph.
inline Message model_of(Message graph) {
  return Message().number(1, 8).message(8, Message().number(2, 13)).message(7, std::move(graph));
}

// y = x w + b with x of [n, 3], w = 1 .. 6 and b = (10, 20).
inline Message linear_model() {
  Tensor w = *zeros(Type::kFloat, {3, 2}), b = *zeros(Type::kFloat, {2});
  for (std::int64_t n = 0; n < 6; ++n) w.set(n, n + 1);
  b.set(0, std::int64_t{10});
  b.set(1, std::int64_t{20});
  return model_of(
      Message()
          .message(1, Message().text(1, "x").text(1, "w").text(2, "xw").text(4, "MatMul"))
          .message(1, Message().text(1, "xw").text(1, "b").text(2, "y").text(4, "Add"))
          .bytes(5, encode_tensor(w, "w"))
          .bytes(5, encode_tensor(b, "b"))
          .message(11, value_info("x", {-1, 3}))
          .message(12, value_info("y", {-1, 2})));
}

}  // namespace orrery::onnx

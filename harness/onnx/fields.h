// Typed fields of messages: the few kinds that ONNX uses. `what` names the message in errors, which
// are kMalformed.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "harness/onnx/tensor.h"
#include "harness/onnx/wire.h"

namespace orrery::onnx {

tl::unexpected<Error> malformed(std::string what);
tl::unexpected<Error> unsupported(std::string what);

// Calls `field` for each field of a message: a Status, of which the first failure ends it.
template <class Function>
Status each_field(ByteView message, const char* what, Function&& field) {
  WireReader in(message);
  WireField f;
  while (in.next(f)) TRY(field(f));
  if (in.failed()) return malformed(std::string(what) + ": the message breaks off or is none");
  return {};
}

Status expect(const WireField& f, WireType type, const char* what);
Status read_text(const WireField& f, const char* what, std::string& out);
Status read_number(const WireField& f, const char* what, std::int64_t& out);
// One number of a repeated field, or many packed ones.
Status read_numbers(const WireField& f, const char* what, std::vector<std::int64_t>& out);
// The same for floats of 4 or 8 bytes.
Status read_floats(const WireField& f, std::size_t size, const char* what,
                   std::vector<double>& out);

// A float of 4 or 8 bytes from its bits.
double from_bits(std::uint64_t bits, std::size_t bytes);
std::uint64_t little_endian(ByteView bytes);  // at most 8

// A type that tensors can be held in; kUnsupported or kMalformed else.
Result<Type> type_of(std::int64_t number);

}  // namespace orrery::onnx

// Errors as values. Input, peers and disks fail: their functions return Result<T>. Our own bugs do
// not: they trip ENSURE (ensure.h). A new ErrorCode is added only where some caller acts on it.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace orrery {

enum class ErrorCode : std::uint16_t {
  kInvalidArgument,  // a caller's value is out of range or of the wrong form
  kMalformed,        // bytes do not decode; the sender is at fault
  kRefused,          // well-formed but not allowed by a rule
  kNotFound,
  kLimit,        // a named bound was passed
  kIo,           // disk or socket
  kUnsupported,  // this build, mode or machine cannot do it
  kInterrupted,  // the user asked to stop
  kInternal,     // a bug of ours, caught at a boundary
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // what was expected, what came, and where
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace orrery

#define ORRERY_CONCAT_INNER(a, b) a##b
#define ORRERY_CONCAT(a, b) ORRERY_CONCAT_INNER(a, b)

// Returns the error of a Status or Result from the enclosing function.
#define TRY(expression)                                                 \
  do {                                                                  \
    auto&& orrery_try = (expression);                                   \
    if (!orrery_try) return tl::unexpected<::orrery::Error>(orrery_try.error()); \
  } while (false)

// Assigns the value of a Result or returns its error. `lhs` may declare a variable.
#define ASSIGN_OR_RETURN(lhs, expression) \
  ORRERY_ASSIGN_OR_RETURN(ORRERY_CONCAT(orrery_result_, __LINE__), lhs, expression)
#define ORRERY_ASSIGN_OR_RETURN(name, lhs, expression)            \
  auto name = (expression);                                       \
  if (!name) return tl::unexpected<::orrery::Error>(name.error()); \
  lhs = std::move(*name)

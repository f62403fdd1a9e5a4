// What a fuzz target defines: a function over any input, and valid inputs to start from. A target
// is linked with libFuzzer, or with standalone_main.cc where that is not at hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "engine/base/bytes.h"

// Must accept any input. Decoders may refuse; what they accept must encode to the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace orrery::fuzz {

// Inputs in the present format, made by our own encoders, so they cannot go stale; some must be
// accepted, or the mutations of them would reach nothing. Inputs that once failed are files in
// tests/fuzz/corpus/<name>/.
std::vector<Bytes> seeds();

// Called by a target when it accepted an input: the standalone driver fails if none was.
inline std::uint64_t accepted_inputs = 0;
inline void accepted() { ++accepted_inputs; }

}  // namespace orrery::fuzz

// A property of the code under test; aborts, so that both drivers report the input.
#define FUZZ_CHECK(condition)                                                                      \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::fprintf(stderr, "%s:%d: property does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                                \
    }                                                                                              \
  } while (false)

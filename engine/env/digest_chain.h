// A node's running digest: a stream of 64-bit words cut into blocks of fixed length, each chained
// onto the last. Blocks make it cheap; their length is fixed, so looking at the value in between
// changes nothing.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

#include "engine/base/digest.h"
#include "engine/base/hash.h"

namespace orrery::env {

class DigestChain {
 public:
  void add(std::uint64_t word) {
    words_[used_++] = little_endian(word);
    if (used_ == kWords) {
      digest_ = extend(digest_, bytes());
      used_ = 0;
    }
  }
  void add(Digest128 d) {
    add(d.lo);
    add(d.hi);
  }
  void add(const Hash256& hash) {
    for (std::size_t i = 0; i < hash.bytes.size(); i += 8) {
      std::uint64_t word = 0;
      for (std::size_t j = 8; j-- > 0;) word = word << 8 | hash.bytes[i + j];
      add(word);
    }
  }
  // Commits to every word so far, and to their number.
  Digest128 value() const { return extend(digest_, bytes()); }

 private:
  static constexpr std::size_t kWords = 32;  // 256 bytes: set-up of the hash is then 5 % of it

  static std::uint64_t little_endian(std::uint64_t v) {
    return std::endian::native == std::endian::little ? v : __builtin_bswap64(v);
  }
  std::span<const std::uint8_t> bytes() const {
    return {reinterpret_cast<const std::uint8_t*>(words_.data()), used_ * sizeof(std::uint64_t)};
  }

  Digest128 digest_;
  std::array<std::uint64_t, kWords> words_{};
  std::size_t used_ = 0;
};

}  // namespace orrery::env

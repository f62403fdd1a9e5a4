#include "engine/base/hash.h"

#include <gtest/gtest.h>

#include "engine/base/digest.h"
#include "engine/base/hash_text.h"
#include "engine/base/random.h"

namespace orrery {
namespace {

// Examples of NIST for FIPS 180-4.
TEST(Sha256, MatchesThePublishedExamples) {
  const std::pair<std::string, const char*> known[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (const auto& [text, hex] : known) EXPECT_EQ(to_hex(sha256(as_bytes(text))), hex);
}

TEST(Sha256, InPiecesEqualsInOne) {
  RandomStream random(3, 0, stream_id("hash_test"));
  Bytes bytes(5000);
  for (auto& b : bytes) b = static_cast<std::uint8_t>(random.next());
  Sha256 pieces;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(random.below(200), bytes.size() - at);
    pieces.update(ByteView(bytes).subspan(at, size));
    at += size;
  }
  EXPECT_EQ(pieces.finish(), sha256(bytes));
}

TEST(Sha256, PrefixIsTheFirstEightBytesLittleEndian) {
  Hash256 hash;
  EXPECT_TRUE(hash.is_zero());
  hash.bytes[0] = 0x01;
  hash.bytes[7] = 0x80;
  hash.bytes[8] = 0xff;
  EXPECT_EQ(hash.prefix(), 0x8000000000000001u);
}

// Vectors of the reference implementation of SipHash-2-4 with 128-bit output: key 00..0f, message
// 00 01 02 .. of the given length.
TEST(Digest, IsSipHash128) {
  const Digest128 key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  const std::pair<std::size_t, const char*> known[] = {{0, "a3817f04ba25a8e66df67214c7550293"},
                                                       {1, "da87c1d86b99af44347659119b22fc45"}};
  for (const auto& [size, hex] : known) {
    Bytes message(size);
    for (std::size_t i = 0; i < size; ++i) message[i] = static_cast<std::uint8_t>(i);
    const Digest128 d = extend(key, message);
    Bytes out;
    for (const std::uint64_t half : {d.lo, d.hi}) {
      for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(half >> (8 * i)));
    }
    EXPECT_EQ(to_hex(out), hex);
  }
}

TEST(Hash, TextThatIsNotSixtyFourLowerCaseDigitsIsNoHash) {
  const Hash256 hash = sha256(as_bytes("a"));
  const std::string text = to_hex(hash);
  EXPECT_EQ(hash_from_hex(text), hash);
  EXPECT_FALSE(hash_from_hex(text.substr(1)));
  EXPECT_FALSE(hash_from_hex(text + "00"));
  EXPECT_FALSE(hash_from_hex("G" + text.substr(1)));
  EXPECT_EQ(hash_at_end("/due/000012/" + text), hash);
  EXPECT_ANY_THROW(hash_at_end("/due/000012"));
}

TEST(Digest, AChainCommitsToOrder) {
  const Bytes a = {1}, b = {2};
  EXPECT_NE(extend(extend({}, a), b), extend(extend({}, b), a));
  EXPECT_EQ(to_hex(Digest128{0x1, 0xab}), "00000000000000ab0000000000000001");
}

}  // namespace
}  // namespace orrery

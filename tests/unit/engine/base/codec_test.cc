#include "engine/base/codec.h"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(Codec, WritesFixedWidthLittleEndianWithoutPadding) {
  Writer out;
  out.u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f).boolean(true).i64(-2).text("hi");
  EXPECT_EQ(to_hex(out.view()),
            "01"
            "0302"
            "07060504"
            "0f0e0d0c0b0a0908"
            "01"
            "feffffffffffffff"
            "02000000"
            "6869");
}

TEST(Codec, ReadsBackWhatItWrote) {
  const Hash256 hash = sha256(as_bytes("x"));
  const std::array<std::uint8_t, 3> array = {1, 2, 3};
  Writer out;
  out.u8(255).u16(65535).u32(UINT32_MAX).u64(UINT64_MAX).i64(INT64_MIN).wide(kMaxU128 - 1);
  out.boolean(false).hash(hash).array(array).text("name").bytes(Bytes{9}).u32(2).u16(7).u16(8);
  Reader in(out.view());
  EXPECT_EQ(in.u8(), 255);
  EXPECT_EQ(in.u16(), 65535);
  EXPECT_EQ(in.u32(), UINT32_MAX);
  EXPECT_EQ(in.u64(), UINT64_MAX);
  EXPECT_EQ(in.i64(), INT64_MIN);
  EXPECT_EQ(in.wide(), kMaxU128 - 1);
  EXPECT_FALSE(in.boolean());
  EXPECT_EQ(in.hash(), hash);
  EXPECT_EQ(in.array<3>(), array);
  EXPECT_EQ(in.text(4), "name");
  EXPECT_EQ(in.bytes(1).size(), 1u);
  EXPECT_EQ(in.count(2, 2), 2u);
  in.u16();
  EXPECT_EQ(in.left(), 2u);
  EXPECT_FALSE(in.finish());
  in.u16();
  EXPECT_TRUE(in.finish());
}

TEST(Codec, EveryTruncationOfAMessageIsRefused) {
  Writer out;
  out.u32(7).text("abc").wide(1).boolean(true);
  for (std::size_t size = 0; size < out.view().size(); ++size) {
    Reader in(ByteView(out.view()).first(size));
    in.u32();
    in.text(10);
    in.wide();
    in.boolean();
    ASSERT_FALSE(in.finish()) << size;
    EXPECT_EQ(in.finish().error().code, ErrorCode::kMalformed);
  }
}

TEST(Codec, TheFirstFailureSticksAndLaterReadsGiveNothing) {
  const Bytes bytes = {2, 1, 1, 1, 1};
  Reader in(bytes);
  EXPECT_FALSE(in.boolean());
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u32(), 0u);
  in.fail("second");
  EXPECT_EQ(in.finish().error().message, "a boolean is 0 or 1");
}

TEST(Codec, StatedLengthsAboveTheirBoundAreRefusedBeforeAnythingIsAllocated) {
  Writer out;
  out.u32(UINT32_MAX);
  Reader text(out.view());
  text.text(1000);
  EXPECT_FALSE(text.ok());
  Reader count(out.view());
  EXPECT_EQ(count.count(UINT32_MAX, 8), 0u);
  EXPECT_FALSE(count.ok());
}

TEST(Hex, RoundTripsAndHasOneSpelling) {
  EXPECT_EQ(to_hex(Bytes{0, 0xab, 0xff}), "00abff");
  EXPECT_EQ(from_hex("00abff"), (Bytes{0, 0xab, 0xff}));
  EXPECT_EQ(from_hex(""), Bytes{});
  for (const char* wrong : {"0", "0g", "AB", "0x00", " 00"}) EXPECT_FALSE(from_hex(wrong)) << wrong;
}

TEST(Buffer, SharesItsBytesAndComparesByContent) {
  const Buffer a(Bytes{1, 2, 3});
  const Buffer copy = a;
  EXPECT_EQ(copy.view().data(), a.view().data());
  EXPECT_EQ(a, Buffer(Bytes{1, 2, 3}));
  EXPECT_FALSE(a == Buffer(Bytes{1, 2, 4}));
  EXPECT_EQ(Buffer(), Buffer(Bytes{}));
  EXPECT_TRUE(Buffer().empty());
  EXPECT_EQ(a.hash(), hash128(Bytes{1, 2, 3}));
}

}  // namespace
}  // namespace orrery

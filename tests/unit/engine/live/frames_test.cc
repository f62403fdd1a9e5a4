#include "engine/live/frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine/base/random.h"

namespace orrery::live {
namespace {

const SessionKey kKey = {1, 2, 3};

Bytes sealed(FrameSealer& sealer, FrameKind kind, const Bytes& payload) {
  Bytes out;
  sealer.seal(kind, payload, out);
  return out;
}

// Feeds `wire` in pieces of at most `piece` and returns the payloads; stops at the first error.
struct Heard {
  std::vector<Bytes> payloads;
  Status end;
};
Heard feed(FrameReader& reader, ByteView wire, std::size_t piece) {
  Heard heard;
  while (!wire.empty()) {
    const auto space = reader.space();
    const std::size_t size = std::min({piece, space.size(), wire.size()});
    std::copy_n(wire.begin(), size, space.begin());
    reader.filled(size);
    wire = wire.subspan(size);
    for (;;) {
      auto next = reader.next();
      if (!next) {
        heard.end = tl::unexpected(next.error());
        return heard;
      }
      if (!*next) break;
      heard.payloads.emplace_back((*next)->payload.begin(), (*next)->payload.end());
    }
  }
  return heard;
}

TEST(Frames, ArriveWholeWhateverThePieces) {
  const std::vector<Bytes> sent = {{}, {1}, Bytes(1000, 7), Bytes(300'000, 8), {2, 3}};
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{1} << 30}) {
    FrameSealer sealer(kKey);
    FrameReader reader{FrameOpener(kKey)};
    Bytes wire;
    for (const Bytes& payload : sent) sealer.seal(FrameKind::kReliable, payload, wire);
    const Heard heard = feed(reader, wire, piece);
    EXPECT_TRUE(heard.end);
    EXPECT_EQ(heard.payloads, sent);
  }
}

TEST(Frames, TheLargestMessageFits) {
  FrameSealer sealer(kKey);
  FrameReader reader{FrameOpener(kKey)};
  const Bytes payload(env::Transport::kMaxMessage, 9);
  const Heard heard = feed(reader, sealed(sealer, FrameKind::kReliable, payload), 100'000);
  ASSERT_EQ(heard.payloads.size(), 1u);
  EXPECT_EQ(heard.payloads[0], payload);
  EXPECT_EQ(reader.capacity(), kMaxFrame);
  reader.space();
  EXPECT_EQ(reader.capacity(), FrameReader::kRead);  // given back
}

TEST(Frames, AnAnnouncedLengthOutOfBoundsIsRefusedBeforeAnythingIsHeld) {
  for (const std::uint32_t length :
       {0xffffffffu, static_cast<std::uint32_t>(kMaxFrame) - 3, 16u, 0u}) {
    FrameReader reader{FrameOpener(kKey)};
    const Bytes wire = {static_cast<std::uint8_t>(length), static_cast<std::uint8_t>(length >> 8),
                        static_cast<std::uint8_t>(length >> 16),
                        static_cast<std::uint8_t>(length >> 24)};
    const Heard heard = feed(reader, wire, 4);
    ASSERT_FALSE(heard.end) << length;
    EXPECT_EQ(heard.end.error().code, ErrorCode::kMalformed);
    EXPECT_EQ(reader.capacity(), FrameReader::kRead);
  }
}

TEST(Frames, ALargeAnnouncedFrameTakesMemoryOnlyAsItArrives) {
  FrameReader reader{FrameOpener(kKey)};
  Bytes wire = {0x00, 0x00, 0x20, 0x00};  // 2 MiB announced
  wire.resize(100'000);
  EXPECT_TRUE(feed(reader, wire, 1000).end);
  EXPECT_LE(reader.capacity(), 4 * wire.size());
}

TEST(Frames, EachTamperedByteIsRefused) {
  const Bytes payload = {1, 2, 3, 4, 5};
  for (std::size_t byte = 0; byte < kFrameOverhead + payload.size(); ++byte) {
    FrameSealer sealer(kKey);
    FrameReader reader{FrameOpener(kKey)};
    Bytes wire = sealed(sealer, FrameKind::kReliable, payload);
    const Bytes more = sealed(sealer, FrameKind::kReliable, Bytes(70'000));
    wire[byte] ^= 1;
    wire.insert(wire.end(), more.begin(), more.end());  // a longer length finds bytes to eat
    const Heard heard = feed(reader, wire, 1 << 20);
    EXPECT_FALSE(heard.end && byte != 2) << byte;  // 64 KiB longer: still waiting for bytes
    EXPECT_TRUE(heard.payloads.empty()) << byte;
  }
}

TEST(Frames, ReorderedRepeatedAndMissingFramesAreRefused) {
  FrameSealer sealer(kKey);
  const Bytes first = sealed(sealer, FrameKind::kReliable, {1});
  const Bytes second = sealed(sealer, FrameKind::kReliable, {2});
  const auto refused = [](std::initializer_list<Bytes> frames) {
    FrameReader reader{FrameOpener(kKey)};
    Bytes wire;
    for (const Bytes& frame : frames) wire.insert(wire.end(), frame.begin(), frame.end());
    return !feed(reader, wire, 1 << 20).end;
  };
  EXPECT_FALSE(refused({first, second}));
  EXPECT_TRUE(refused({second, first}));
  EXPECT_TRUE(refused({first, first}));
  EXPECT_TRUE(refused({second}));
}

TEST(Frames, KindsOutOfPlaceAreRefused) {
  const auto refused = [](FrameKind kind, const Bytes& payload) {
    FrameSealer sealer(kKey);
    FrameReader reader{FrameOpener(kKey)};
    return !feed(reader, sealed(sealer, kind, payload), 1 << 20).end;
  };
  EXPECT_FALSE(refused(FrameKind::kPing, {}));
  EXPECT_FALSE(refused(FrameKind::kClose, {}));
  EXPECT_TRUE(refused(FrameKind::kPing, {1}));
  EXPECT_TRUE(refused(FrameKind::kClose, {1}));
  EXPECT_TRUE(refused(FrameKind::kAuth, {}));
  EXPECT_TRUE(refused(FrameKind::kReady, {}));
  EXPECT_TRUE(refused(static_cast<FrameKind>(6), {}));
}

TEST(Frames, RandomBytesAreRefused) {
  RandomStream random(1, 2, stream_id("garbage"));
  for (int round = 0; round < 200; ++round) {
    FrameReader reader{FrameOpener(kKey)};
    Bytes wire(100);
    for (std::uint8_t& byte : wire) byte = static_cast<std::uint8_t>(random.next());
    wire[1] = wire[2] = wire[3] = 0;  // a length that fits
    wire[0] = static_cast<std::uint8_t>(17 + wire[0] % 64);
    const Heard heard = feed(reader, wire, 1 + random.below(100));
    EXPECT_FALSE(heard.end);
    EXPECT_TRUE(heard.payloads.empty());
  }
}

}  // namespace
}  // namespace orrery::live

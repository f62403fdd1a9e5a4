// Any bytes of a stranger: as the steps of a handshake, in either role, and as the frames of a
// session. Nothing that a stranger says without a key finishes a handshake, no frame comes out that
// was not sealed, and memory follows what has arrived.
#include <algorithm>

#include "engine/live/frames.h"
#include "engine/live/session.h"
#include "tests/fuzz/fuzz.h"

namespace orrery {
namespace {

using live::Handshake;

constexpr live::SessionKey kKey = {4, 2};

Handshake::Options options(Handshake::Role role, std::uint8_t seed) {
  static const auto first = std::make_shared<const live::Identity>(std::array<std::uint8_t, 32>{1});
  static const auto second =
      std::make_shared<const live::Identity>(std::array<std::uint8_t, 32>{2});
  // Fixed, so that an input that fails once fails again.
  return {role, seed == 1 ? first : second, "fuzz", {4000, 1}, {seed}};
}

// Feeds the input to one side; the other's true answers are taken while the input agrees with them.
void handshake(Handshake::Role role, ByteView input) {
  Handshake side(options(role, 1));
  side.start();
  while (side.expects() > 0 && !input.empty()) {
    const std::size_t size = std::min(side.expects(), input.size());
    Bytes step(input.begin(), input.begin() + size);
    input = input.subspan(size);
    const bool whole = size == side.expects();
    const auto answer = side.receive(step);
    FUZZ_CHECK(whole || !answer);
    if (!answer) {
      FUZZ_CHECK(side.expects() == 0 && !side.is_done() && !answer.error().message.empty());
    } else {
      FUZZ_CHECK(answer->size() <= Handshake::kMaxStep);
      fuzz::accepted();
    }
  }
}

void frames(ByteView input, std::size_t piece) {
  live::FrameReader reader{live::FrameOpener(kKey)};
  live::FrameSealer again(kKey);
  Bytes sealed_again;
  const ByteView all = input;
  while (!input.empty()) {
    const auto space = reader.space();
    FUZZ_CHECK(!space.empty());
    FUZZ_CHECK(reader.capacity() <= std::max(live::FrameReader::kRead, 4 * all.size()));
    const std::size_t size = std::min({piece, space.size(), input.size()});
    std::copy_n(input.begin(), size, space.begin());
    reader.filled(size);
    input = input.subspan(size);
    for (;;) {
      const auto next = reader.next();
      if (!next) return;
      if (!*next) break;
      again.seal((*next)->kind, (*next)->payload, sealed_again);
      fuzz::accepted();
      // What comes out was sealed so: sealing is deterministic, and the stream a prefix.
      FUZZ_CHECK(sealed_again.size() <= all.size());
      FUZZ_CHECK(std::ranges::equal(sealed_again, all.first(sealed_again.size())));
    }
  }
}

}  // namespace

// The first byte chooses: handshake as initiator, as responder, or frames in pieces.
std::vector<Bytes> fuzz::seeds() {
  Handshake a(options(Handshake::Role::kInitiator, 1)), b(options(Handshake::Role::kResponder, 2));
  Handshake c(options(Handshake::Role::kInitiator, 2)), d(options(Handshake::Role::kResponder, 1));
  const auto join = [](Bytes& to, const Bytes& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  // To the initiator with the first key: all that the responder says; then the other way about.
  Bytes to_initiator = {0}, to_responder = {1}, stream = {2, 100};
  Bytes step = a.start();
  step = *b.receive(step);
  join(to_initiator, step);
  step = *a.receive(step);
  step = *b.receive(step);
  join(to_initiator, step);
  step = c.start();
  join(to_responder, step);
  step = *d.receive(step);
  join(to_responder, *c.receive(step));
  live::FrameSealer sealer(kKey);
  sealer.seal(live::FrameKind::kReliable, Bytes{1, 2, 3}, stream);
  sealer.seal(live::FrameKind::kPing, {}, stream);
  sealer.seal(live::FrameKind::kDatagram, Bytes(500), stream);
  sealer.seal(live::FrameKind::kClose, {}, stream);
  return {to_initiator, to_responder, stream};
}

}  // namespace orrery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  if (size < 2) return 0;
  const ByteView input(data, size);
  switch (input[0] % 3) {
    case 0: handshake(live::Handshake::Role::kInitiator, input.subspan(1)); break;
    case 1: handshake(live::Handshake::Role::kResponder, input.subspan(1)); break;
    default: frames(input.subspan(2), 1 + input[1]);
  }
  return 0;
}

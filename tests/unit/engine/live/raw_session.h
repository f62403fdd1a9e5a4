// The protocol of engine/live/session.h once more, from its description and without its code: for
// tests that need a side which seals, signs and claims what it likes.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"
#include "engine/live/frames.h"
#include "engine/live/session.h"

namespace orrery::live {

class RawSession {
 public:
  using Array32 = std::array<std::uint8_t, 32>;

  explicit RawSession(bool initiator, std::string network = "net")
      : initiator_(initiator), network_(std::move(network)) {
    ENSURE(sodium_init() >= 0, "libsodium");
    randombytes_buf(secret_.data(), secret_.size());
    crypto_scalarmult_base(public_.data(), secret_.data());
  }

  Bytes hello() const {
    Array32 tag;
    const Bytes text = Writer().text("orrery/live/network/1").text(network_).take();
    crypto_generichash(tag.data(), 32, text.data(), text.size(), nullptr, 0);
    return Writer()
        .raw(as_bytes(std::string_view("Orrery\0", 7)))
        .u8(1)
        .raw(ByteView(tag).first(8))
        .array(public_)
        .take();
  }
  // After this, frames can be sealed and opened.
  void hear(ByteView hello) {
    Array32 theirs, shared, master;
    std::copy_n(hello.begin() + 16, 32, theirs.begin());
    const Bytes text = Writer()
                           .text("orrery/live/transcript/1")
                           .text(network_)
                           .array(initiator_ ? public_ : theirs)
                           .array(initiator_ ? theirs : public_)
                           .take();
    crypto_generichash(transcript.data(), 32, text.data(), text.size(), nullptr, 0);
    ENSURE(crypto_scalarmult(shared.data(), secret_.data(), theirs.data()) == 0, "x25519");
    const Bytes input = Writer().array(shared).array(transcript).take();
    crypto_generichash(master.data(), 32, input.data(), input.size(), nullptr, 0);
    SessionKey of_initiator, of_responder;
    crypto_kdf_derive_from_key(of_initiator.data(), 32, 1, "orrlive1", master.data());
    crypto_kdf_derive_from_key(of_responder.data(), 32, 2, "orrlive1", master.data());
    sealer.emplace(initiator_ ? of_initiator : of_responder);
    opener.emplace(initiator_ ? of_responder : of_initiator);
  }
  // The text that an honest side signs; `other` is the responder's key if the initiator signs.
  Bytes text(std::string_view role, const std::optional<env::NodeKey>& other) const {
    Writer writer;
    writer.text("orrery/live/auth/1").text(role).array(transcript);
    if (other) writer.array(*other);
    return writer.take();
  }
  Bytes auth(const env::NodeKey& key, const std::array<std::uint8_t, 64>& signature) {
    Bytes frame;
    sealer->seal(FrameKind::kAuth, Writer().array(key).u16(1).u64(2).array(signature).view(),
                 frame);
    return frame;
  }
  // What the other side's auth frame says: key and signature.
  struct Said {
    env::NodeKey key;
    std::array<std::uint8_t, 64> signature;
  };
  Said open(Bytes frame) {
    const auto opened = opener->open(std::span(frame).subspan(kLengthBytes));
    ENSURE(opened.has_value(), "not sealed for this side");
    Reader in(opened->payload);
    Said said{.key = in.array<32>(), .signature = {}};
    in.u16();
    in.u64();
    said.signature = in.array<64>();
    return said;
  }

  Array32 transcript{};
  std::optional<FrameSealer> sealer;
  std::optional<FrameOpener> opener;

 private:
  bool initiator_;
  std::string network_;
  Array32 secret_, public_;
};

}  // namespace orrery::live

// How two nodes prove their keys to each other and agree on the keys of a session. Pure: bytes in,
// bytes out; the connection moves them. One handshake object for each connection.
//
//   I -> R  hello        "Orrery", version, network tag, fresh X25519 key
//   R -> I  hello, auth  the same of R; then, sealed: R's identity and its signature
//   I -> R  auth         sealed: I's identity and its signature
//   R -> I  ready        sealed, empty: R has accepted; only now does I count the session as up
//
// Transcript: hash of a label, the network's name and both fresh keys. The keys of the two
// directions are derived from the shared secret and the transcript. A signature covers its role,
// the transcript and, at I, R's identity. So a replayed message meets another transcript, a man in
// the middle has two transcripts and can sign neither, and a reflected message has the wrong
// direction. The last word is R's, so that a node can refuse in silence and the other never
// believes itself connected.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/env/events.h"
#include "engine/live/frames.h"

namespace orrery::live {

// The Ed25519 key pair of a node. Shared by its connections, wiped at the end.
class Identity {
 public:
  explicit Identity(const std::array<std::uint8_t, 32>& seed);
  ~Identity();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  const env::NodeKey& key() const { return key_; }
  std::array<std::uint8_t, 64> sign(ByteView message) const;

 private:
  env::NodeKey key_;
  std::array<std::uint8_t, 64> secret_;
};

// What a node says of itself inside its sealed auth.
struct Claims {
  std::uint16_t port = 0;      // where it listens
  std::uint64_t instance = 0;  // drawn when its transport began: a restart shows
  bool operator==(const Claims&) const = default;
};

struct Remote {
  env::NodeKey key{};
  Claims claims;
};

class Handshake {
 public:
  enum class Role : std::uint8_t { kInitiator, kResponder };
  struct Options {
    Role role = Role::kInitiator;
    std::shared_ptr<const Identity> identity;
    std::string network;
    Claims claims;
    std::array<std::uint8_t, 32> ephemeral{};  // secret, from fresh_ephemeral(), never used twice
  };
  static constexpr std::size_t kHello = 48;
  static constexpr std::size_t kAuth = kFrameOverhead + 32 + 2 + 8 + 64;
  static constexpr std::size_t kReady = kFrameOverhead;
  static constexpr std::size_t kMaxStep = kHello + kAuth;  // all that a stranger can make us hold

  explicit Handshake(Options options);
  ~Handshake();
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  // What to send before anything has arrived: the initiator's hello, nothing of the responder.
  Bytes start();
  // The exact size of the remote's next bytes; 0 when the handshake is over.
  std::size_t expects() const;
  // Takes them and returns what to send next, if this node goes on with that remote. On an error
  // the connection is closed: kMalformed, kUnsupported (other version), kRefused (other network,
  // our own key, not what was signed). No step can be tried twice.
  Result<Bytes> receive(std::span<std::uint8_t> message);

  // The remote holds this key. Meaningful when is_proven().
  bool is_proven() const { return step_ == Step::kWaitReady || step_ == Step::kDone; }
  const Remote& remote() const { return remote_; }
  // Both sides have spoken; a responder is done when it sends its ready.
  bool is_done() const { return step_ == Step::kDone; }
  // The continuation of both directions; call when done.
  FrameSealer sealer() const;
  FrameOpener opener() const;

 private:
  enum class Step : std::uint8_t { kWaitHello, kWaitAuth, kWaitReady, kDone, kFailed };

  Result<Bytes> advance(std::span<std::uint8_t> message);
  Bytes hello() const;
  Status read_hello(ByteView hello);
  Status derive(const std::array<std::uint8_t, 32>& theirs);
  Result<ByteView> open(FrameKind kind, std::span<std::uint8_t> frame);
  Bytes seal_auth();
  Status open_auth(std::span<std::uint8_t> frame);
  Bytes signed_text(Role signer) const;

  Options options_;
  Step step_ = Step::kWaitHello;
  std::array<std::uint8_t, 32> public_{};
  std::array<std::uint8_t, 32> transcript_{};
  std::unique_ptr<FrameSealer> sealer_;
  std::unique_ptr<FrameOpener> opener_;
  Remote remote_;
};

// 32 bytes from the operating system.
std::array<std::uint8_t, 32> fresh_ephemeral();

}  // namespace orrery::live

// The frames of a session. On the wire: u32 length of what follows, in the clear and authenticated
// as associated data, then ChaCha20-Poly1305 over the kind (u8) and the payload. The nonce is a
// counter for each direction, so a frame that is changed, dropped, repeated or moved breaks the
// session. No sockets here; used by the handshake and by the connection, on the loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/env/env.h"

namespace orrery::live {

enum class FrameKind : std::uint8_t {
  kReliable,
  kDatagram,
  kPing,   // "I am here"; not answered
  kClose,  // the sender closes in good order; nothing follows
  kAuth,   // handshake only
  kReady,  // handshake only
};

inline constexpr std::size_t kLengthBytes = 4;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kFrameOverhead = kLengthBytes + 1 + kTagBytes;
inline constexpr std::size_t kMaxFrame = kFrameOverhead + env::Transport::kMaxMessage;

using SessionKey = std::array<std::uint8_t, 32>;

class FrameSealer {
 public:
  explicit FrameSealer(const SessionKey& key) : key_(key) {}
  ~FrameSealer();
  FrameSealer(const FrameSealer&) = default;
  FrameSealer& operator=(const FrameSealer&) = default;

  // Appends the whole frame to `out`. `payload` is at most kMaxMessage and not part of `out`.
  void seal(FrameKind kind, ByteView payload, Bytes& out);

 private:
  SessionKey key_;
  std::uint64_t counter_ = 0;
};

struct Frame {
  FrameKind kind = FrameKind::kPing;
  ByteView payload;
};

class FrameOpener {
 public:
  explicit FrameOpener(const SessionKey& key) : key_(key) {}
  ~FrameOpener();
  FrameOpener(const FrameOpener&) = default;
  FrameOpener& operator=(const FrameOpener&) = default;

  // Decrypts one frame in place, without its length; the payload lies inside `sealed`.
  Result<Frame> open(std::span<std::uint8_t> sealed);

 private:
  SessionKey key_;
  std::uint64_t counter_ = 0;
};

// Cuts a stream of bytes into frames. Memory follows what has arrived, never what a length
// promises: a length out of bounds is refused before anything is allocated for it.
class FrameReader {
 public:
  static constexpr std::size_t kRead = 64 << 10;  // the buffer of an idle session

  explicit FrameReader(FrameOpener opener) : opener_(opener) {}

  // Room for the next bytes, never empty. Call next() until it has no more, before.
  std::span<std::uint8_t> space();
  // The first `size` bytes of that room are filled.
  void filled(std::size_t size);
  // The next whole frame, valid until space() is called; nothing: more bytes are needed. After an
  // error there is no way on: the session ends. Frames of the handshake are errors.
  Result<std::optional<Frame>> next();
  // Forgets what has arrived.
  void clear() { begin_ = end_ = 0; }
  std::size_t capacity() const { return buffer_.size(); }

 private:
  FrameOpener opener_;
  Bytes buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what has arrived and is not read yet
};

}  // namespace orrery::live

#include "engine/live/frames.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "engine/base/ensure.h"

namespace orrery::live {
namespace {

static_assert(kTagBytes == crypto_aead_chacha20poly1305_IETF_ABYTES);
static_assert(std::tuple_size_v<SessionKey> == crypto_aead_chacha20poly1305_IETF_KEYBYTES);

using Nonce = std::array<std::uint8_t, crypto_aead_chacha20poly1305_IETF_NPUBBYTES>;

void put_little_endian(std::uint64_t value, std::span<std::uint8_t> out) {
  for (std::uint8_t& byte : out) {
    byte = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
}

std::uint32_t read_length(const std::uint8_t* in) {
  return std::uint32_t{in[0]} | std::uint32_t{in[1]} << 8 | std::uint32_t{in[2]} << 16 |
         std::uint32_t{in[3]} << 24;
}

// 64 of 96 bits count; no session lives for 2^64 frames.
Nonce nonce_of(std::uint64_t counter) {
  Nonce nonce{};
  put_little_endian(counter, std::span(nonce).first(8));
  return nonce;
}

bool fits(std::size_t sealed) {
  return sealed >= kFrameOverhead - kLengthBytes && sealed <= kMaxFrame - kLengthBytes;
}

}  // namespace

FrameSealer::~FrameSealer() { sodium_memzero(key_.data(), key_.size()); }
FrameOpener::~FrameOpener() { sodium_memzero(key_.data(), key_.size()); }

void FrameSealer::seal(FrameKind kind, ByteView payload, Bytes& out) {
  ENSURE(payload.size() <= env::Transport::kMaxMessage, "a frame holds one message");
  const std::size_t start = out.size();
  out.resize(start + kFrameOverhead + payload.size());
  std::uint8_t* length = out.data() + start;
  std::uint8_t* text = length + kLengthBytes;
  put_little_endian(1 + payload.size() + kTagBytes, {length, kLengthBytes});
  text[0] = static_cast<std::uint8_t>(kind);
  if (!payload.empty()) std::memcpy(text + 1, payload.data(), payload.size());
  const Nonce nonce = nonce_of(counter_++);
  crypto_aead_chacha20poly1305_ietf_encrypt(text, nullptr, text, 1 + payload.size(), length,
                                            kLengthBytes, nullptr, nonce.data(), key_.data());
}

Result<Frame> FrameOpener::open(std::span<std::uint8_t> sealed) {
  if (!fits(sealed.size())) {
    return fail(ErrorCode::kMalformed, fmt::format("a frame of {} bytes", sealed.size()));
  }
  std::array<std::uint8_t, kLengthBytes> length;
  put_little_endian(sealed.size(), length);
  const Nonce nonce = nonce_of(counter_++);
  if (crypto_aead_chacha20poly1305_ietf_decrypt(sealed.data(), nullptr, nullptr, sealed.data(),
                                                sealed.size(), length.data(), length.size(),
                                                nonce.data(), key_.data()) != 0) {
    return fail(ErrorCode::kRefused, "a frame that the remote did not seal, or not as the next");
  }
  const ByteView text = sealed.first(sealed.size() - kTagBytes);
  if (text[0] > static_cast<std::uint8_t>(FrameKind::kReady)) {
    return fail(ErrorCode::kMalformed, fmt::format("a frame of unknown kind {}", text[0]));
  }
  return Frame{static_cast<FrameKind>(text[0]), text.subspan(1)};
}

std::span<std::uint8_t> FrameReader::space() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() > kRead) Bytes().swap(buffer_);  // a large frame has passed
  }
  if (buffer_.empty()) buffer_.resize(kRead);
  if (begin_ > 0 && buffer_.size() - end_ < kRead / 2) {  // less would make for small reads
    std::copy(buffer_.begin() + begin_, buffer_.begin() + end_, buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    ENSURE(end_ < kMaxFrame, "a whole frame waits to be read");
    buffer_.resize(std::min(2 * end_, kMaxFrame));
  }
  return std::span(buffer_).subspan(end_);
}

void FrameReader::filled(std::size_t size) {
  ENSURE(size <= buffer_.size() - end_, "more bytes than there was room for");
  end_ += size;
}

Result<std::optional<Frame>> FrameReader::next() {
  if (end_ - begin_ < kLengthBytes) return std::nullopt;
  const std::size_t sealed = read_length(buffer_.data() + begin_);
  if (!fits(sealed)) {
    return fail(ErrorCode::kMalformed,
                fmt::format("a frame announced as {} bytes, at most {}", sealed, kMaxFrame));
  }
  if (end_ - begin_ < kLengthBytes + sealed) return std::nullopt;
  ASSIGN_OR_RETURN(const Frame frame,
                   opener_.open(std::span(buffer_).subspan(begin_ + kLengthBytes, sealed)));
  begin_ += kLengthBytes + sealed;
  if (frame.kind == FrameKind::kAuth || frame.kind == FrameKind::kReady) {
    return fail(ErrorCode::kMalformed, "a frame of the handshake after its end");
  }
  const bool message = frame.kind == FrameKind::kReliable || frame.kind == FrameKind::kDatagram;
  if (!message && !frame.payload.empty()) {
    return fail(ErrorCode::kMalformed, "a ping or close with a payload");
  }
  return frame;
}

}  // namespace orrery::live

#include "engine/live/session.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"

namespace orrery::live {
namespace {

constexpr std::array<std::uint8_t, 7> kMagic = {'O', 'r', 'r', 'e', 'r', 'y', 0};
constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kTranscriptLabel = "orrery/live/transcript/1";
constexpr std::string_view kNetworkLabel = "orrery/live/network/1";
constexpr char kKeyContext[crypto_kdf_CONTEXTBYTES + 1] = "orrlive1";
constexpr std::uint64_t kInitiatorKey = 1, kResponderKey = 2;  // of the frames that it seals

using Array32 = std::array<std::uint8_t, 32>;

template <std::size_t N>
std::array<std::uint8_t, N> generic_hash(ByteView input) {
  std::array<std::uint8_t, N> hash;
  crypto_generichash(hash.data(), N, input.data(), input.size(), nullptr, 0);
  return hash;
}

// In the clear, so that a node of another network is told apart at once; the transcript proves it.
std::array<std::uint8_t, 8> network_tag(std::string_view network) {
  const auto hash = generic_hash<32>(Writer().text(kNetworkLabel).text(network).view());
  std::array<std::uint8_t, 8> tag;
  std::copy_n(hash.begin(), tag.size(), tag.begin());
  return tag;
}

SessionKey subkey(const Array32& master, std::uint64_t id) {
  SessionKey key;
  crypto_kdf_derive_from_key(key.data(), key.size(), id, kKeyContext, master.data());
  return key;
}

std::string_view name(Handshake::Role role) {
  return role == Handshake::Role::kInitiator ? "initiator" : "responder";
}

Handshake::Role other(Handshake::Role role) {
  return role == Handshake::Role::kInitiator ? Handshake::Role::kResponder
                                             : Handshake::Role::kInitiator;
}

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

}  // namespace

Identity::Identity(const std::array<std::uint8_t, 32>& seed) {
  // Also picks the fastest code for this processor.
  ENSURE(sodium_init() >= 0, "libsodium found no source of randomness");
  crypto_sign_seed_keypair(key_.data(), secret_.data(), seed.data());
}

Identity::~Identity() { sodium_memzero(secret_.data(), secret_.size()); }

std::array<std::uint8_t, 64> Identity::sign(ByteView message) const {
  std::array<std::uint8_t, 64> signature;
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret_.data());
  return signature;
}

std::array<std::uint8_t, 32> fresh_ephemeral() {
  std::array<std::uint8_t, 32> secret;
  randombytes_buf(secret.data(), secret.size());
  return secret;
}

Handshake::Handshake(Options options) : options_(std::move(options)) {
  ENSURE(options_.identity != nullptr, "a handshake needs an identity");
  crypto_scalarmult_base(public_.data(), options_.ephemeral.data());
}

Handshake::~Handshake() { sodium_memzero(options_.ephemeral.data(), options_.ephemeral.size()); }

Bytes Handshake::start() { return options_.role == Role::kInitiator ? hello() : Bytes(); }

std::size_t Handshake::expects() const {
  const bool initiator = options_.role == Role::kInitiator;
  switch (step_) {
    case Step::kWaitHello: return initiator ? kHello + kAuth : kHello;
    case Step::kWaitAuth: return kAuth;
    case Step::kWaitReady: return kReady;
    case Step::kDone:
    case Step::kFailed: return 0;
  }
  return 0;
}

Result<Bytes> Handshake::receive(std::span<std::uint8_t> message) {
  Result<Bytes> answer = advance(message);
  if (!answer) step_ = Step::kFailed;
  return answer;
}

Result<Bytes> Handshake::advance(std::span<std::uint8_t> message) {
  if (expects() == 0) return fail(ErrorCode::kRefused, "the handshake is over");
  if (message.size() != expects()) {
    return fail(ErrorCode::kMalformed, fmt::format("a handshake message of {} bytes, expected {}",
                                                   message.size(), expects()));
  }
  switch (step_) {
    case Step::kWaitHello: {
      TRY(read_hello(message.first(kHello)));
      if (options_.role == Role::kResponder) {
        Bytes answer = hello();
        append(answer, seal_auth());
        step_ = Step::kWaitAuth;
        return answer;
      }
      TRY(open_auth(message.subspan(kHello)));
      step_ = Step::kWaitReady;
      return seal_auth();
    }
    case Step::kWaitAuth: {
      TRY(open_auth(message));
      step_ = Step::kDone;
      Bytes ready;
      sealer_->seal(FrameKind::kReady, {}, ready);
      return ready;
    }
    default: {
      ASSIGN_OR_RETURN(const ByteView payload, open(FrameKind::kReady, message));
      if (!payload.empty()) return fail(ErrorCode::kMalformed, "a ready with a payload");
      step_ = Step::kDone;
      return Bytes();
    }
  }
}

// The sizes of the handshake are fixed, but the length is what was sealed, so it must agree.
Result<ByteView> Handshake::open(FrameKind kind, std::span<std::uint8_t> frame) {
  if (Reader(frame).u32() != frame.size() - kLengthBytes) {
    return fail(ErrorCode::kMalformed, "a handshake frame of another length");
  }
  ASSIGN_OR_RETURN(const Frame opened, opener_->open(frame.subspan(kLengthBytes)));
  if (opened.kind != kind) return fail(ErrorCode::kMalformed, "a handshake frame out of turn");
  return opened.payload;
}

Bytes Handshake::hello() const {
  return Writer()
      .array(kMagic)
      .u8(kVersion)
      .array(network_tag(options_.network))
      .array(public_)
      .take();
}

Status Handshake::read_hello(ByteView hello) {
  Reader in(hello);
  if (in.array<kMagic.size()>() != kMagic) {
    return fail(ErrorCode::kMalformed, "the remote is no node of Orrery");
  }
  if (const std::uint8_t version = in.u8(); version != kVersion) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("the remote speaks version {}, this node {}", version, kVersion));
  }
  if (in.array<8>() != network_tag(options_.network)) {
    return fail(ErrorCode::kRefused,
                fmt::format("the remote is of another network than {}", options_.network));
  }
  const Array32 theirs = in.array<32>();
  TRY(in.finish());
  return derive(theirs);
}

Status Handshake::derive(const Array32& theirs) {
  const bool initiator = options_.role == Role::kInitiator;
  transcript_ = generic_hash<32>(Writer()
                                     .text(kTranscriptLabel)
                                     .text(options_.network)
                                     .array(initiator ? public_ : theirs)
                                     .array(initiator ? theirs : public_)
                                     .view());
  Array32 shared;
  // Fails on the keys of small order, whose shared secret is zero whatever ours is.
  if (crypto_scalarmult(shared.data(), options_.ephemeral.data(), theirs.data()) != 0) {
    return fail(ErrorCode::kRefused, "the remote's fresh key has small order");
  }
  std::array<std::uint8_t, 64> input;
  std::copy(shared.begin(), shared.end(), input.begin());
  std::copy(transcript_.begin(), transcript_.end(), input.begin() + shared.size());
  Array32 master = generic_hash<32>(input);
  SessionKey first = subkey(master, kInitiatorKey), second = subkey(master, kResponderKey);
  sealer_ = std::make_unique<FrameSealer>(initiator ? first : second);
  opener_ = std::make_unique<FrameOpener>(initiator ? second : first);
  for (Array32* secret : {&shared, &master, &first, &second}) sodium_memzero(secret->data(), 32);
  sodium_memzero(input.data(), input.size());
  return {};
}

// The responder signs first and does not know the initiator yet; that its identity comes inside
// the sealed frame ties it to this session.
Bytes Handshake::signed_text(Role signer) const {
  Writer text;
  text.text("orrery/live/auth/1").text(name(signer)).array(transcript_);
  if (signer == Role::kInitiator) {
    text.array(signer == options_.role ? remote_.key : options_.identity->key());
  }
  return text.take();
}

Bytes Handshake::seal_auth() {
  const Bytes payload = Writer()
                            .array(options_.identity->key())
                            .u16(options_.claims.port)
                            .u64(options_.claims.instance)
                            .array(options_.identity->sign(signed_text(options_.role)))
                            .take();
  Bytes frame;
  sealer_->seal(FrameKind::kAuth, payload, frame);
  return frame;
}

Status Handshake::open_auth(std::span<std::uint8_t> frame) {
  ASSIGN_OR_RETURN(const ByteView payload, open(FrameKind::kAuth, frame));
  Reader in(payload);
  remote_.key = in.array<32>();
  remote_.claims.port = in.u16();
  remote_.claims.instance = in.u64();
  const auto signature = in.array<64>();
  TRY(in.finish());
  if (remote_.key == options_.identity->key()) {
    return fail(ErrorCode::kRefused, "the remote has our own key: this node dialled itself");
  }
  const Bytes text = signed_text(other(options_.role));
  if (crypto_sign_verify_detached(signature.data(), text.data(), text.size(), remote_.key.data()) !=
      0) {
    return fail(ErrorCode::kRefused, "the remote did not sign this session with its key");
  }
  return {};
}

FrameSealer Handshake::sealer() const {
  ENSURE(is_done(), "no session before the handshake is done");
  return *sealer_;
}

FrameOpener Handshake::opener() const {
  ENSURE(is_done(), "no session before the handshake is done");
  return *opener_;
}

}  // namespace orrery::live

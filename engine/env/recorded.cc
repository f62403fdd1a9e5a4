#include "engine/env/recorded.h"

#include "engine/env/event_digest.h"

namespace orrery::env {

enum class Recorded::Did : std::uint64_t {
  kBoot = 1, kHear, kArm, kCancelTimer, kSend, kDial, kDrop, kApply, kSync, kSubmit, kCancelJob,
  kEmit, kReply,
};

Recorded::Recorded(Env& inner)
    : inner_(inner),
      jobs_(*this),
      env_{inner.clock, *this, inner.random, *this, *this, jobs_,
           *this,       *this, inner.log,    inner.memo} {}

void Recorded::did(Did what, std::uint64_t a, std::uint64_t b) {
  chain_.add(static_cast<std::uint64_t>(what));
  chain_.add(a);
  chain_.add(b);
}

void Recorded::add(const Cookie& cookie) {
  chain_.add(cookie.kind);
  chain_.add(cookie.a);
  chain_.add(cookie.b);
}

void Recorded::begin(const FlightBoot& boot) {
  did(Did::kBoot, boot.boot, boot.random_seed);
  chain_.add(static_cast<std::uint64_t>(boot.wall.ns));
}

void Recorded::begin(const FlightHeard& heard) {
  did(Did::kHear, heard.event.index(), static_cast<std::uint64_t>(heard.mono.ns));
  chain_.add(static_cast<std::uint64_t>(heard.wall.ns));
  add_fields(chain_, heard.event);
}

FlightAnswered Recorded::end() {
  return {std::exchange(sends_, {}), std::exchange(queued_, {}), chain_.value()};
}

std::uint64_t Recorded::arm(Time at, Cookie cookie) {
  did(Did::kArm, static_cast<std::uint64_t>(at.ns));
  add(cookie);
  return inner_.timers.arm(at, cookie);
}

void Recorded::cancel(std::uint64_t timer) {
  did(Did::kCancelTimer, timer);
  inner_.timers.cancel(timer);
}

SendStatus Recorded::send(PeerId peer, Channel channel, const Buffer& payload) {
  did(Did::kSend, peer.value, static_cast<std::uint64_t>(channel));
  chain_.add(payload.hash());
  const SendStatus status = inner_.transport.send(peer, channel, payload);
  sends_.push_back(status);
  return status;
}

void Recorded::dial(const Address& address) {
  const Digest128 digest = hash128(as_bytes(address.text));
  did(Did::kDial, digest.lo, digest.hi);
  inner_.transport.dial(address);
}

void Recorded::drop(PeerId peer) {
  did(Did::kDrop, peer.value);
  inner_.transport.drop(peer);
}

std::size_t Recorded::queued(PeerId peer, Channel channel) const {
  const std::size_t bytes = inner_.transport.queued(peer, channel);
  queued_.push_back(bytes);
  return bytes;
}

std::uint64_t Recorded::apply(WriteBatch batch) {
  did(Did::kApply, batch.size());
  for (const WriteOp& op : batch) {
    chain_.add(hash128(op.key));
    chain_.add(op.value ? op.value->hash() : Digest128{});
  }
  return inner_.store.apply(std::move(batch));
}

void Recorded::sync(std::uint64_t sequence, Cookie cookie) {
  did(Did::kSync, sequence);
  add(cookie);
  inner_.store.sync(sequence, cookie);
}

std::uint64_t Recorded::Jobs::submit(const JobSpec& spec, Cookie cookie) {
  outer_.did(Did::kSubmit, spec.sampling_seed, spec.max_work);
  outer_.chain_.add(spec.model);
  outer_.chain_.add(spec.input.hash());
  outer_.chain_.add(spec.parameters.hash());
  outer_.add(cookie);
  return outer_.inner_.compute.submit(spec, cookie);
}

void Recorded::Jobs::cancel(std::uint64_t job) {
  outer_.did(Did::kCancelJob, job);
  outer_.inner_.compute.cancel(job);
}

void Recorded::emit(const TraceEvent& event) {
  did(Did::kEmit, event.kind);
  for (const std::uint64_t n : event.n) chain_.add(n);
  chain_.add(event.a);
  chain_.add(event.b);
  inner_.trace.emit(event);
}

void Recorded::reply(std::uint64_t request, Buffer body) {
  did(Did::kReply, request);
  chain_.add(body.hash());
  inner_.replies.reply(request, std::move(body));
}

}  // namespace orrery::env

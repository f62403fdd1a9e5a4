#include "engine/live/outbox.h"

#include <algorithm>

#include "engine/base/integer.h"

namespace orrery::live {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

}  // namespace

void Outbox::set_rule(const LinkRule& rule, Time now) {
  if (rule == rule_) return;
  rule_ = rule;
  line_free_ = now;
  for (const env::Channel channel : {env::Channel::kReliable, env::Channel::kDatagram}) {
    for (Waiting& frame : lanes_[static_cast<int>(channel)].frames) {
      frame.release = release_of(channel, frame.payload.size() + kFrameOverhead, now);
    }
  }
}

env::SendStatus Outbox::push(env::Channel channel, const Buffer& payload, Time now) {
  Lane& lane = lanes_[static_cast<int>(channel)];
  if (channel == env::Channel::kDatagram) {
    if (lane.bytes > kMaxDatagramBytes || lane.frames.size() >= kMaxFrames || losses() > 0) {
      ++counters_->messages_lost;
      return env::SendStatus::kQueued;
    }
  } else if (lane.bytes + payload.size() > TcpTransport::kMaxQueuedBytes ||
             lane.frames.size() >= kMaxFrames) {
    return env::SendStatus::kQueueFull;
  }
  lane.frames.push_back({payload, release_of(channel, payload.size() + kFrameOverhead, now)});
  lane.bytes += payload.size();
  return env::SendStatus::kQueued;
}

Time Outbox::release_of(env::Channel channel, std::size_t bytes, Time now) {
  Time leaves = now;
  if (rule_.bytes_per_second > 0) {
    const u128 ns = static_cast<u128>(bytes) * 1'000'000'000 / rule_.bytes_per_second;
    line_free_ = std::max(line_free_, now) + Duration{static_cast<std::int64_t>(ns)};
    leaves = line_free_;
  }
  leaves = leaves + rule_.delay;
  if (channel == env::Channel::kDatagram) return leaves;
  return leaves + kResend * ((1 << losses()) - 1);  // holds up what follows in the queue
}

std::uint32_t Outbox::losses() {
  if (rule_.loss_ppm == 0) return 0;
  std::uint32_t count = 0;
  while (count < kMaxResends && draws_.below(kMillion) < rule_.loss_ppm) ++count;
  return count;
}

bool Outbox::take(Time now, FrameSealer& sealer, Bytes& out) {
  const std::size_t before = out.size();
  while (out.size() - before < kBatch) {
    const auto ready = [&](const Lane& lane) {
      return !lane.frames.empty() && lane.frames.front().release <= now;
    };
    const bool reliable = ready(lanes_[0]), datagram = ready(lanes_[1]);
    if (!reliable && !datagram) break;
    const bool second = datagram && (!reliable || lanes_[1].frames.front().release <
                                                      lanes_[0].frames.front().release);
    Lane& lane = lanes_[second ? 1 : 0];
    const Buffer& payload = lane.frames.front().payload;
    sealer.seal(second ? FrameKind::kDatagram : FrameKind::kReliable, payload.view(), out);
    lane.writing += payload.size();
    ++counters_->messages_sent;
    counters_->bytes_sent += payload.size();
    lane.frames.pop_front();
  }
  return out.size() > before;
}

void Outbox::written() {
  for (Lane& lane : lanes_) {
    lane.bytes -= lane.writing;
    lane.writing = 0;
  }
}

Time Outbox::next_release() const {
  Time next = kNever;
  for (const Lane& lane : lanes_) {
    if (!lane.frames.empty()) next = std::min(next, lane.frames.front().release);
  }
  return next;
}

}  // namespace orrery::live

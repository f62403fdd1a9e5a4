#include "engine/env/event_digest.h"

#include <iterator>

#include "engine/base/codec.h"

namespace orrery::env {
namespace {

class EventWords {
 public:
  explicit EventWords(DigestChain& chain) : chain_(chain) {}

  void operator()(const MessageIn& e) {
    chain_.add(e.from.value);
    chain_.add(static_cast<std::uint64_t>(e.channel));
    chain_.add(e.payload.hash());
  }
  void operator()(const TimerFired& e) {
    chain_.add(e.timer);
    cookie(e.cookie);
  }
  void operator()(const Synced& e) {
    chain_.add(e.sequence);
    cookie(e.cookie);
    chain_.add(e.ok ? 1 : 0);
  }
  void operator()(const JobDone& e) {
    chain_.add(e.job);
    cookie(e.cookie);
    chain_.add(static_cast<std::uint64_t>(e.result.status));
    chain_.add(e.result.output.hash());
    chain_.add(e.result.work_units);
  }
  void operator()(const PeerUp& e) {
    chain_.add(e.peer.value);
    chain_.add(hash128(as_bytes(e.address.text)));
    chain_.add(hash128(e.key));
    chain_.add(e.outbound ? 1 : 0);
  }
  void operator()(const PeerDown& e) {
    chain_.add(e.peer.value);
    chain_.add(static_cast<std::uint64_t>(e.reason));
  }
  void operator()(const DialFailed& e) { chain_.add(hash128(as_bytes(e.address.text))); }
  void operator()(const Request& e) {
    chain_.add(e.id);
    chain_.add(e.body.hash());
  }
  void operator()(const Admin& e) { chain_.add(e.body.hash()); }

 private:
  void cookie(const Cookie& c) {
    chain_.add(c.kind);
    chain_.add(c.a);
    chain_.add(c.b);
  }
  DigestChain& chain_;
};

}  // namespace

void add_fields(DigestChain& chain, const Event& event) { std::visit(EventWords(chain), event); }

Digest128 event_digest(const Event& event) {
  DigestChain chain;
  chain.add(event.index());
  add_fields(chain, event);
  return chain.value();
}

std::string_view event_name(const Event& event) {
  static constexpr std::string_view kNames[] = {"message",     "timer",   "synced",
                                                "job done",    "peer up", "peer down",
                                                "dial failed", "request", "admin"};
  static_assert(std::size(kNames) == std::variant_size_v<Event>);
  return kNames[event.index()];
}

}  // namespace orrery::env

// An environment around an environment: it passes every call on, keeps what was answered and chains
// a digest over all that goes in and out of the node. The live host and the re-execution of its
// flight log wear the same one, so their digests are equal exactly if the node did the same.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/env/digest_chain.h"
#include "engine/env/flight.h"

namespace orrery::env {

class Recorded final : public Timers,
                       public Transport,
                       public Store,
                       public Trace,
                       public Replies {
 public:
  // `inner` outlives this object.
  explicit Recorded(Env& inner);
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

  Env& env() { return env_; }
  // The handler of the boot, or of an event, begins.
  void begin(const FlightBoot& boot);
  void begin(const FlightHeard& heard);
  // It has returned: what it was answered since begin, and the digest up to here.
  FlightAnswered end();

  std::uint64_t arm(Time at, Cookie cookie) override;
  void cancel(std::uint64_t timer) override;
  Address self() const override { return inner_.transport.self(); }
  SendStatus send(PeerId peer, Channel channel, const Buffer& payload) override;
  void dial(const Address& address) override;
  void drop(PeerId peer) override;
  std::size_t queued(PeerId peer, Channel channel) const override;
  std::uint64_t apply(WriteBatch batch) override;
  void sync(std::uint64_t sequence, Cookie cookie) override;
  std::optional<Buffer> get(ByteView key) const override { return inner_.store.get(key); }
  std::vector<KeyValue> scan(ByteView begin, ByteView end, std::size_t limit) const override {
    return inner_.store.scan(begin, end, limit);
  }
  std::uint64_t snapshot() override { return inner_.store.snapshot(); }
  std::optional<Buffer> get_at(std::uint64_t snapshot, ByteView key) const override {
    return inner_.store.get_at(snapshot, key);
  }
  void release(std::uint64_t snapshot) override { inner_.store.release(snapshot); }
  void emit(const TraceEvent& event) override;
  void reply(std::uint64_t request, Buffer body) override;

 private:
  // Apart, because cancel of timers and of jobs have one signature.
  class Jobs final : public Compute {
   public:
    explicit Jobs(Recorded& outer) : outer_(outer) {}
    std::uint64_t submit(const JobSpec& spec, Cookie cookie) override;
    void cancel(std::uint64_t job) override;
    std::uint32_t device_class() const override { return outer_.inner_.compute.device_class(); }

   private:
    Recorded& outer_;
  };
  // What the node did, as the first word of each entry of the chain.
  enum class Did : std::uint64_t;
  void did(Did what, std::uint64_t a = 0, std::uint64_t b = 0);
  void add(const Cookie& cookie);

  Env& inner_;
  Jobs jobs_;
  Env env_;
  DigestChain chain_;
  std::vector<SendStatus> sends_;
  mutable std::vector<std::uint64_t> queued_;
};

}  // namespace orrery::env

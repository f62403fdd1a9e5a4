// The dials under way: one for each address, tried again with growing pauses until its time is
// over. Pure bookkeeping; the transport makes the connections and waits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "engine/live/transport.h"

namespace orrery::live {

class Dials {
 public:
  struct Dial {
    env::Address address;  // as the node named it
    Endpoint to;
    Time deadline{};
    Time next{};  // of the next try; while a try is under way kNever
    Duration pause{};
    std::uint64_t connection = 0;  // of the try under way; 0: none
  };

  explicit Dials(const TransportTiming& timing) : timing_(timing) {}

  std::size_t size() const { return dials_.size(); }
  bool has(const env::Address& address) const { return dials_.contains(address); }
  void begin(const env::Address& address, Endpoint to, Time now) {
    dials_[address] = {address, std::move(to), now + timing_.dial, now, timing_.first_retry, 0};
  }
  // Null if that connection is no dial's.
  Dial* of_connection(std::uint64_t connection) {
    for (auto& [address, dial] : dials_) {
      if (dial.connection == connection) return &dial;
    }
    return nullptr;
  }
  void erase(const Dial& dial) { dials_.erase(env::Address(dial.address)); }
  // A try has failed. False: there is no time for another.
  bool retry(Dial& dial, Time now) {
    dial.connection = 0;
    dial.next = now + dial.pause;
    if (dial.next >= dial.deadline) return false;
    dial.pause = std::min(dial.pause * 2, timing_.max_retry);
    return true;
  }
  std::vector<Dial*> due(Time now) {
    std::vector<Dial*> due;
    for (auto& [address, dial] : dials_) {
      if (dial.next <= now) due.push_back(&dial);
    }
    return due;
  }
  Time next() const {
    Time next = kNever;
    for (const auto& [address, dial] : dials_) next = std::min(next, dial.next);
    return next;
  }
  void clear() { dials_.clear(); }

 private:
  TransportTiming timing_;
  std::map<env::Address, Dial> dials_;
};

}  // namespace orrery::live

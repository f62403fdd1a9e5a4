// Addresses that a node knows and may dial.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "engine/base/lookup_map.h"
#include "engine/base/random.h"
#include "engine/base/time.h"
#include "engine/env/events.h"

namespace orrery::chain {

class AddressBook {
 public:
  // Enough to find peers in after many have gone; a full book learns nothing new.
  static constexpr std::size_t kCapacity = 1024;
  // Who did not answer, or had no room, is left alone for so long.
  static constexpr Duration kRedialAfter = Duration::seconds(5);

  void learn(const env::Address& address);
  void forget(const env::Address& address);
  std::size_t size() const { return entries_.size(); }

  // The first address from a random one on that was not dialled lately and that `fits`; it counts
  // as dialled now. `draw` is uniform.
  std::optional<env::Address> take(std::uint64_t draw, Time now,
                                   const std::function<bool(const env::Address&)>& fits);
  // At most `count` of them, never `except`; `draw` gives uniform numbers.
  std::vector<env::Address> sample(std::size_t count, const env::Address& except,
                                   const std::function<std::uint64_t()>& draw) const;

 private:
  struct Entry {
    env::Address address;
    std::optional<Time> dialled;
  };
  // FNV-1a: peers choose their addresses, but the book is small.
  struct Fnv {
    std::size_t operator()(const env::Address& address) const { return stream_id(address.text); }
  };

  std::vector<Entry> entries_;  // in the order in which they were learnt, but for forgotten ones
  LookupMap<env::Address, std::size_t, Fnv> places_;
};

}  // namespace orrery::chain

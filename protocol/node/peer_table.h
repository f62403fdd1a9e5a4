// The peers of a node, by id. Each message looks one up, in a table that has gone cold meanwhile
// when nodes are many; so ids lie side by side, and what is known of a peer beside them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/env/events.h"
#include "protocol/node/known_ids.h"
#include "protocol/sync/messages.h"

namespace orrery::chain {

struct Offer {  // of a transaction
  Hash256 id;
  int tries = 0;  // times that we asked in vain
};

struct Peer {
  env::PeerId id;
  env::Address address;
  std::uint32_t seat = 0;  // in KnownIds
  bool greeted = false;
  bool outbound = false;
  bool asked_peers = false;  // an answer is due
  bool asked_votes = false;
  int score = 0;
  Time window_start{};
  std::uint32_t window_messages = 0;
  std::size_t window_served = 0;  // bytes
  std::size_t requested = 0;      // wishes asked of it
  std::deque<Offer> offered;      // what it announced and we do not have, oldest first
  std::vector<Hash256> announce;  // transactions of before it came, to announce
  NodeStatus status;

  Seats bit() const { return Seats{1} << seat; }
};

class PeerTable {
 public:
  // A peer stays where it is until it is removed.
  Peer* find(env::PeerId id) {
    const std::size_t place = place_of(id);
    return place < ids_.size() && ids_[place] == id ? peers_[place].get() : nullptr;
  }
  Peer& at(env::PeerId id) {
    Peer* peer = find(id);
    ENSURE(peer != nullptr, "only a peer is spoken of as one");
    return *peer;
  }
  // The peer must be new.
  Peer& add(env::PeerId id) {
    const auto place = static_cast<std::ptrdiff_t>(place_of(id));
    ids_.insert(ids_.begin() + place, id);
    const auto peer = peers_.insert(peers_.begin() + place, std::make_unique<Peer>());
    (*peer)->id = id;
    return **peer;
  }
  void remove(env::PeerId id) {
    const auto place = static_cast<std::ptrdiff_t>(place_of(id));
    ids_.erase(ids_.begin() + place);
    peers_.erase(peers_.begin() + place);
  }
  // Ascending by id.
  const std::vector<std::unique_ptr<Peer>>& all() const { return peers_; }
  std::size_t size() const { return ids_.size(); }
  bool empty() const { return ids_.empty(); }

 private:
  std::size_t place_of(env::PeerId id) const {
    return static_cast<std::size_t>(std::lower_bound(ids_.begin(), ids_.end(), id) - ids_.begin());
  }

  std::vector<env::PeerId> ids_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace orrery::chain

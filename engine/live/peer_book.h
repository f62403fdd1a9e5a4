// The numbers of remote keys: given at the first session, kept while the transport lives. Only the
// keys of peers that are away may be forgotten, the oldest first, and only in a flood of new ones;
// a number is never used again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "engine/env/events.h"

namespace orrery::live {

class PeerBook {
 public:
  explicit PeerBook(std::size_t max) : max_(max) {}

  // `is_connected`: of a number; what it names is kept.
  env::PeerId number(const env::NodeKey& key,
                     const std::function<bool(env::PeerId)>& is_connected) {
    if (const auto found = numbers_.find(key); found != numbers_.end()) return found->second;
    if (numbers_.size() >= max_) forget(is_connected);
    const env::PeerId peer{next_++};
    numbers_.emplace(key, peer);
    keys_.emplace(peer, key);
    return peer;
  }
  std::size_t size() const { return numbers_.size(); }

 private:
  void forget(const std::function<bool(env::PeerId)>& is_connected) {
    for (auto it = keys_.begin(); it != keys_.end(); ++it) {
      if (is_connected(it->first)) continue;
      numbers_.erase(it->second);
      keys_.erase(it);
      return;
    }
  }

  std::size_t max_;
  std::uint32_t next_ = 1;  // a PeerId that nobody set names nobody
  std::map<env::NodeKey, env::PeerId> numbers_;
  std::map<env::PeerId, env::NodeKey> keys_;
};

}  // namespace orrery::live

// One memo for everything pure: verification of a signature, decoding of a message, execution of a
// block on a parent state, inference on an input. A value is a function of its key, so sharing it
// between all nodes of a process never changes a result (a run with the memo off has the same
// digest). Bounded by two generations: when the young one is full, in entries or in bytes, the old
// one is forgotten.
//
// Nodes may ask on several threads at once. Computing, which takes the time, is done outside the
// lock: two threads may then compute the same value, and either is as good.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "engine/base/digest.h"
#include "engine/base/lookup_map.h"
#include "engine/base/random.h"

namespace orrery::env {

class Memo {
 public:
  // Entries a generation; a value lives for at least this many newer insertions.
  static constexpr std::size_t kDefaultCapacity = 1 << 16;

  // Bytes a generation: what peers send is kept here, and a peer may send large things.
  static constexpr std::size_t kMaxBytes = std::size_t{256} << 20;

  explicit Memo(bool enabled = true, std::size_t capacity = kDefaultCapacity,
                std::size_t max_bytes = kMaxBytes)
      : enabled_(enabled), capacity_(capacity), max_bytes_(max_bytes) {}
  Memo(const Memo&) = delete;
  Memo& operator=(const Memo&) = delete;

  // `domain` (stream_id of a name) keeps the value types apart: one domain, one T.
  // shared_ptr because holders outlive eviction. `bytes`: roughly what the value weighs, where that
  // is more than a little.
  template <class T, class Function>
  std::shared_ptr<const T> get(std::uint64_t domain, Digest128 key, Function&& compute,
                               std::size_t bytes = 0) {
    if (!enabled_) return std::make_shared<const T>(compute());
    const Key full{domain, key};
    if (auto found = find(full)) {
      return std::static_pointer_cast<const T>(std::move(found));
    }
    auto value = std::make_shared<const T>(compute());
    const Locked locked(lock_);
    ++misses_;
    insert(full, {value, bytes});
    return value;
  }

  std::uint64_t hits() const { return hits_; }
  std::uint64_t misses() const { return misses_; }

 private:
  struct Key {
    std::uint64_t domain;
    Digest128 digest;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& k) const {
      return static_cast<std::size_t>(k.digest.lo ^ (k.domain * 0x9e3779b97f4a7c15u));
    }
  };
  struct Entry {
    std::shared_ptr<const void> value;
    std::size_t bytes = 0;
  };
  using Map = LookupMap<Key, Entry, KeyHash>;

  // Spins: a lookup or an insertion takes less than falling asleep would.
  class Locked {
   public:
    explicit Locked(std::atomic_flag& flag) : flag_(flag) {
      while (flag_.test_and_set(std::memory_order_acquire)) {
      }
    }
    ~Locked() { flag_.clear(std::memory_order_release); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

   private:
    std::atomic_flag& flag_;
  };

  std::shared_ptr<const void> find(const Key& key) {
    const Locked locked(lock_);
    if (auto* entry = young_.find(key)) {
      ++hits_;
      return entry->value;
    }
    if (auto* entry = old_.find(key)) {
      ++hits_;
      const Entry kept = *entry;
      insert(key, kept);
      return kept.value;
    }
    return nullptr;
  }
  // With the lock held. A value that another thread has put there meanwhile stays.
  void insert(const Key& key, Entry entry) {
    if (young_.find(key) != nullptr) return;
    if (young_.size() >= capacity_ || young_bytes_ + entry.bytes > max_bytes_) {
      old_ = std::move(young_);
      young_ = Map();
      young_bytes_ = 0;
    }
    young_bytes_ += entry.bytes;
    young_.insert(key, std::move(entry));
  }

  std::atomic_flag lock_;
  bool enabled_;
  std::size_t capacity_;
  std::size_t max_bytes_;
  std::size_t young_bytes_ = 0;
  Map young_;
  Map old_;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
};

}  // namespace orrery::env

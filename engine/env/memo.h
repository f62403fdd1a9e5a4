// One memo for everything pure: verification of a signature, decoding of a message, execution of a
// block on a parent state, inference on an input. A value is a function of its key, so sharing it
// between all nodes of a process never changes a result (a run with the memo off has the same
// digest). Bounded by two generations: when the young one is full, in entries or in bytes, the old
// one is forgotten.
#pragma once

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
      ++hits_;
      return std::static_pointer_cast<const T>(std::move(found));
    }
    ++misses_;
    auto value = std::make_shared<const T>(compute());
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

  std::shared_ptr<const void> find(const Key& key) {
    if (auto* entry = young_.find(key)) return entry->value;
    if (auto* entry = old_.find(key)) {
      const Entry kept = *entry;
      insert(key, kept);
      return kept.value;
    }
    return nullptr;
  }
  void insert(const Key& key, Entry entry) {
    if (young_.size() >= capacity_ || young_bytes_ + entry.bytes > max_bytes_) {
      old_ = std::move(young_);
      young_ = Map();
      young_bytes_ = 0;
    }
    young_bytes_ += entry.bytes;
    young_.insert(key, std::move(entry));
  }

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

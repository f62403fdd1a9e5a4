// A hash map that cannot be iterated: order of hashed containers must never reach behaviour, so
// there is no begin(). For speed where only lookups happen; use std::map where order is needed.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>

namespace orrery {

template <class Key, class Value, class Hasher>
class LookupMap {
 public:
  Value* find(const Key& key) {
    const auto it = map_.find(key);
    return it == map_.end() ? nullptr : &it->second;
  }
  const Value* find(const Key& key) const { return const_cast<LookupMap*>(this)->find(key); }
  bool contains(const Key& key) const { return map_.count(key) != 0; }
  // Inserts if absent; returns the stored value and whether it was inserted.
  std::pair<Value*, bool> insert(const Key& key, Value value) {
    const auto [it, inserted] = map_.try_emplace(key, std::move(value));
    return {&it->second, inserted};
  }
  Value& operator[](const Key& key) { return map_[key]; }
  bool erase(const Key& key) { return map_.erase(key) != 0; }
  std::size_t size() const { return map_.size(); }
  void clear() { map_.clear(); }

 private:
  std::unordered_map<Key, Value, Hasher> map_;
};

}  // namespace orrery

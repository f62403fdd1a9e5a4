#include "engine/sim/store.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace orrery::sim {

bool SimStore::Less::operator()(ByteView a, ByteView b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

std::optional<Buffer> SimStore::find(const Map& map, ByteView key) {
  const auto it = map.find(key);
  if (it == map.end()) return std::nullopt;
  return it->second;
}

void SimStore::put(const Bytes& key, std::optional<Buffer> value) {
  if (value) {
    map_.insert_or_assign(key, std::move(*value));
  } else {
    map_.erase(key);
  }
}

std::uint64_t SimStore::apply(env::WriteBatch batch) {
  ++sequence_;
  last_copy_.reset();
  ENSURE(undo_.size() + batch.size() <= kMaxUnsynced, "too many writes since the last sync");
  for (env::WriteOp& op : batch) {
    undo_.push_back({sequence_, op.key, find(map_, op.key)});
    put(op.key, std::move(op.value));
  }
  return sequence_;
}

void SimStore::sync(std::uint64_t sequence, env::Cookie cookie) {
  ENSURE(sequence <= sequence_, "sync of a write that was never applied");
  on_sync_(sequence, cookie);
}

std::optional<Buffer> SimStore::get(ByteView key) const { return find(map_, key); }

std::vector<env::KeyValue> SimStore::scan(ByteView begin, ByteView end, std::size_t limit) const {
  std::vector<env::KeyValue> pairs;
  const Less less;
  for (auto it = map_.lower_bound(begin); it != map_.end() && pairs.size() < limit; ++it) {
    if (!less(it->first, end)) break;
    pairs.push_back({it->first, it->second});
  }
  return pairs;
}

std::uint64_t SimStore::snapshot() {
  if (!last_copy_) last_copy_ = std::make_shared<const Map>(map_);
  snapshots_.emplace_back(next_snapshot_, last_copy_);
  return next_snapshot_++;
}

const SimStore::Map& SimStore::snapshot_map(std::uint64_t snapshot) const {
  const auto it = std::find_if(snapshots_.begin(), snapshots_.end(),
                               [&](const auto& s) { return s.first == snapshot; });
  ENSURE(it != snapshots_.end(), "no such snapshot, or it was released");
  return *it->second;
}

std::optional<Buffer> SimStore::get_at(std::uint64_t snapshot, ByteView key) const {
  return find(snapshot_map(snapshot), key);
}

void SimStore::release(std::uint64_t snapshot) {
  snapshot_map(snapshot);  // ENSUREs that it exists
  std::erase_if(snapshots_, [&](const auto& s) { return s.first == snapshot; });
  if (snapshots_.empty()) last_copy_.reset();
}

void SimStore::mark_durable(std::uint64_t sequence) {
  if (sequence <= durable_) return;
  durable_ = sequence;
  const auto end = std::find_if(undo_.begin(), undo_.end(),
                                [&](const Undo& u) { return u.sequence > sequence; });
  undo_.erase(undo_.begin(), end);
}

std::uint64_t SimStore::crash() {
  const std::uint64_t lost = undo_.size();
  for (; !undo_.empty(); undo_.pop_back()) {
    put(undo_.back().key, std::move(undo_.back().before));
  }
  sequence_ = durable_;
  snapshots_.clear();
  last_copy_.reset();
  return lost;
}

std::uint64_t SimStore::wipe() {
  const std::uint64_t lost = map_.size();
  undo_.clear();
  crash();
  map_.clear();
  sequence_ = durable_ = 0;
  return lost;
}

std::optional<Buffer> SimStore::durable(ByteView key) const {
  // The oldest undo entry of a key holds its durable value; without one the present value is it.
  for (const Undo& undo : undo_) {
    if (std::equal(undo.key.begin(), undo.key.end(), key.begin(), key.end())) return undo.before;
  }
  return find(map_, key);
}

}  // namespace orrery::sim

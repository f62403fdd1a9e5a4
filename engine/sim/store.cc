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
  if (!damage_.empty()) damage_.erase(key);
  if (value) {
    map_.insert_or_assign(key, std::move(*value));
  } else {
    map_.erase(key);
  }
}

std::uint64_t SimStore::apply(env::WriteBatch batch) {
  ++sequence_;
  if (running(DiskFaultKind::kFull) != nullptr && failure_ == DiskFailure::kNone) {
    failure_ = DiskFailure::kFull;
  }
  if (failure_ != DiskFailure::kNone) return sequence_;
  last_copy_.reset();
  ENSURE(undo_.size() + batch.size() <= kMaxUnsynced, "too many writes since the last sync");
  std::size_t place = 0;
  for (env::WriteOp& op : batch) {
    undo_.push_back({sequence_, op.key, find(map_, op.key)});
    if (!faults_.empty()) undo_.back().lost_by = lose(op, place++);
    put(op.key, std::move(op.value));
  }
  return sequence_;
}

void SimStore::sync(std::uint64_t sequence, env::Cookie cookie) {
  ENSURE(sequence <= sequence_, "sync of a write that was never applied");
  on_sync_(sequence, cookie);
}

std::optional<Buffer> SimStore::get(ByteView key) const { return read(map_, key); }

std::vector<env::KeyValue> SimStore::scan(ByteView begin, ByteView end, std::size_t limit) const {
  if (!faults_.empty() || !damage_.empty()) return scan_damaged(begin, end, limit);
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
  return read(snapshot_map(snapshot), key);
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
  for (auto it = undo_.begin(); it != end && (!faults_.empty() || !lost_.empty()); ++it) {
    if (it->lost_by == kNoFault) {
      lost_.erase(it->key);
    } else {
      lost_.try_emplace(it->key, Lost{it->lost_by, std::move(it->before)});
    }
  }
  undo_.erase(undo_.begin(), end);
}

std::optional<Buffer> SimStore::durable(ByteView key) const {
  if (const auto it = lost_.find(key); it != lost_.end()) return it->second.before;
  // The oldest undo entry of a key holds its durable value; without one the present value is it.
  for (const Undo& undo : undo_) {
    if (std::equal(undo.key.begin(), undo.key.end(), key.begin(), key.end())) return undo.before;
  }
  const auto damage = damage_.find(key);
  return damage != damage_.end() ? damage->second.value : find(map_, key);
}

}  // namespace orrery::sim

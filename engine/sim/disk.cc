// The faults of SimStore: damaged reads, writes that never arrive, and what a crash leaves.
#include <algorithm>
#include <iterator>

#include "engine/base/ensure.h"
#include "engine/sim/store.h"

namespace orrery::sim {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

// True for `ppm` of all pairs (a, b).
bool happens(std::uint64_t key, std::uint64_t a, std::uint64_t b, std::uint32_t ppm) {
  return (mix64(mix64(key, a), b) >> 32) * kMillion < static_cast<std::uint64_t>(ppm) << 32;
}

std::uint64_t hash_of(ByteView key) { return hash128(key).lo; }

std::size_t sectors_of(std::size_t bytes) { return bytes / kSectorBytes + 1; }

// A bit of sector `sector` is turned over.
Buffer flipped(const Buffer& value, std::size_t sector, std::uint64_t draw) {
  Bytes bytes(value.view().begin(), value.view().end());
  const std::size_t first = sector * kSectorBytes;
  if (first >= bytes.size()) return Buffer(std::move(bytes));  // the slack behind the value
  const std::size_t span = std::min(kSectorBytes, bytes.size() - first);
  bytes[first + draw / 8 % span] ^= static_cast<std::uint8_t>(1u << draw % 8);
  return Buffer(std::move(bytes));
}

// The first sectors are of the new value, the others still of the old one, or zero.
Buffer torn(const Buffer& after, const std::optional<Buffer>& before, std::size_t written) {
  Bytes bytes(after.size(), 0);
  const std::size_t split = std::min(written * kSectorBytes, bytes.size());
  if (before) {
    const std::size_t old = std::min(before->size(), bytes.size());
    std::copy_n(before->view().begin(), old, bytes.begin());
  }
  std::copy_n(after.view().begin(), split, bytes.begin());
  return Buffer(std::move(bytes));
}

}  // namespace

const SimStore::Running* SimStore::running(DiskFaultKind kind) const {
  for (const Running& r : faults_) {
    if (r.spec.kind == kind) return &r;
  }
  return nullptr;
}

// --- reading ------------------------------------------------------------------------------------

void SimStore::unreadable() const {
  failure_ = DiskFailure::kUnreadable;
  throw env::StoreFailed(std::string(describe(failure_)));
}

bool SimStore::on_bad_sector(ByteView key, const std::optional<Buffer>& value) const {
  if (!value) return false;
  for (const Running& r : faults_) {
    if (r.spec.kind != DiskFaultKind::kBadSectors) continue;
    const std::uint64_t record = hash_of(key);
    for (std::size_t i = 0; i < sectors_of(value->size()); ++i) {
      if (happens(r.key, record, i, r.spec.share_ppm)) return true;
    }
  }
  return false;
}

std::optional<Buffer> SimStore::read(const Map& map, ByteView key) const {
  std::optional<Buffer> value = find(map, key);
  if (!damage_.empty()) {
    if (const auto it = damage_.find(key); it != damage_.end()) {
      if (!it->second.readable) unreadable();
      return it->second.value;
    }
  }
  if (!faults_.empty() && on_bad_sector(key, value)) unreadable();
  return value;
}

// The keys of the map and of the damage over it, merged.
std::vector<env::KeyValue> SimStore::scan_damaged(ByteView begin, ByteView end,
                                                  std::size_t limit) const {
  std::vector<env::KeyValue> pairs;
  const Less less;
  auto record = map_.lower_bound(begin);
  auto damage = damage_.lower_bound(begin);
  while (pairs.size() < limit && (record != map_.end() || damage != damage_.end())) {
    const bool by_damage =
        record == map_.end() || (damage != damage_.end() && !less(record->first, damage->first));
    const Bytes& key = by_damage ? damage->first : record->first;
    if (!less(key, end)) break;
    if (auto value = read(map_, key)) pairs.push_back({key, std::move(*value)});
    const bool same = by_damage && record != map_.end() && !less(key, record->first);
    if (!by_damage || same) ++record;
    if (by_damage) ++damage;
  }
  return pairs;
}

// --- writing ------------------------------------------------------------------------------------

// The fault that keeps this write from the disk, if one does.
std::uint32_t SimStore::lose(const env::WriteOp& op, std::size_t place) {
  for (const Running& r : faults_) {
    const bool misdirected = r.spec.kind == DiskFaultKind::kMisdirected;
    if (!misdirected && r.spec.kind != DiskFaultKind::kLostWrites) continue;
    if (!happens(r.key, sequence_, place, r.spec.share_ppm)) continue;
    if (misdirected && op.value && !map_.empty()) {
      auto hit = map_.upper_bound(op.key);
      if (hit == map_.end()) hit = map_.begin();
      if (hit->first != op.key) damage_[hit->first] = {r.fault, r.spec.unnoticed, op.value};
    }
    return r.fault;
  }
  return kNoFault;
}

bool SimStore::finish_sync(std::uint64_t sequence) {
  if (failure_ != DiskFailure::kNone) return false;
  if (const Running* r = running(DiskFaultKind::kSyncFails)) {
    for (Undo& undo : undo_) {
      if (undo.sequence <= sequence && undo.lost_by == kNoFault) undo.lost_by = r->fault;
    }
    if (!r->spec.unnoticed) {
      failure_ = DiskFailure::kSyncFailed;
      return false;
    }
  }
  mark_durable(sequence);
  return true;
}

Duration SimStore::stall() const {
  Duration sum{};
  for (const Running& r : faults_) {
    if (r.spec.kind == DiskFaultKind::kStall) sum = sum + r.spec.delay;
  }
  return sum;
}

// --- faults come and go -------------------------------------------------------------------------

void SimStore::begin_fault(std::uint32_t fault, const DiskFault& spec, std::uint64_t key) {
  faults_.push_back({fault, spec, key});
  if (spec.kind == DiskFaultKind::kRot) rot(faults_.back());
}

void SimStore::rot(const Running& r) {
  for (const auto& [key, value] : map_) {
    const std::uint64_t record = hash_of(key);
    for (std::size_t i = 0; i < sectors_of(value.size()); ++i) {
      if (!happens(r.key, record, i, r.spec.share_ppm)) continue;
      // Damage keeps the first fault's mark: it heals with that one.
      damage_.try_emplace(key, Damage{r.fault, r.spec.unnoticed,
                                      flipped(value, i, mix64(mix64(r.key, record), ~i))});
      break;
    }
  }
}

void SimStore::end_fault(std::uint32_t fault) {
  std::erase_if(faults_, [&](const Running& r) { return r.fault == fault; });
  std::erase_if(damage_, [&](const auto& d) { return d.second.fault == fault; });
  std::erase_if(lost_, [&](const auto& l) { return l.second.fault == fault; });
  for (Undo& undo : undo_) {
    if (undo.lost_by == fault) undo.lost_by = kNoFault;
  }
}

// --- crashes ------------------------------------------------------------------------------------

// Undoes all that is not durable; returns it in the order of writing.
std::vector<SimStore::Write> SimStore::unwind() {
  std::vector<Write> writes;
  writes.reserve(undo_.size());
  for (; !undo_.empty(); undo_.pop_back()) {
    Undo& undo = undo_.back();
    std::optional<Buffer> after = find(map_, undo.key);
    put(undo.key, undo.before);
    writes.push_back({std::move(undo), std::move(after)});
  }
  return {std::make_move_iterator(writes.rbegin()), std::make_move_iterator(writes.rend())};
}

// One write of a torn batch; true if it, or part of it, is on disk.
bool SimStore::keep_torn(const Write& write, RandomStream& draws, bool unnoticed) {
  const std::size_t sectors = write.after ? sectors_of(write.after->size()) : 1;
  const std::uint64_t written = draws.below(sectors + 1);
  if (written == 0) return false;
  if (written == sectors || !write.after) {
    put(write.undo.key, write.after);
    return true;
  }
  if (unnoticed) put(write.undo.key, torn(*write.after, write.undo.before, written));
  return unnoticed;
}

// Writes again what of `writes` the disk had taken; returns how many it had not.
std::uint64_t SimStore::keep(std::vector<Write> writes, CrashLoss how, RandomStream draws,
                             bool unnoticed) {
  std::vector<std::uint64_t> batches;
  for (const Write& w : writes) {
    if (batches.empty() || batches.back() != w.undo.sequence) batches.push_back(w.undo.sequence);
  }
  const bool subset = how == CrashLoss::kKeepSubset;
  const std::uint64_t whole = subset ? 0 : draws.below(batches.size() + 1);
  std::uint64_t gone = 0;
  std::uint64_t last = durable_;
  std::size_t batch = 0;
  bool in_subset = subset && !batches.empty() && draws.below(2) == 1;
  for (const Write& w : writes) {
    while (batches[batch] != w.undo.sequence) {
      ++batch;
      if (subset) in_subset = draws.below(2) == 1;
    }
    bool kept = subset ? in_subset : batch < whole;
    if (w.undo.lost_by != kNoFault) kept = false;
    if (kept) put(w.undo.key, w.after);
    if (!kept && how == CrashLoss::kTorn && batch == whole) kept = keep_torn(w, draws, unnoticed);
    if (kept) last = w.undo.sequence;
    gone += kept ? 0 : 1;
  }
  sequence_ = durable_ = last;
  return gone;
}

std::uint64_t SimStore::wipe() {
  const std::uint64_t gone = map_.size();
  undo_.clear();
  damage_.clear();
  lost_.clear();
  map_.clear();
  sequence_ = durable_ = 0;
  return gone;
}

std::uint64_t SimStore::crash(CrashLoss how, RandomStream draws, bool unnoticed) {
  snapshots_.clear();
  last_copy_.reset();
  failure_ = DiskFailure::kNone;
  if (how == CrashLoss::kWipe) return wipe();
  std::vector<Write> writes = unwind();
  std::uint64_t gone = writes.size();
  sequence_ = durable_;
  if (how != CrashLoss::kLoseUnsynced) gone = keep(std::move(writes), how, draws, unnoticed);
  for (auto& [key, lost] : lost_) damage_[key] = {lost.fault, true, std::move(lost.before)};
  lost_.clear();
  return gone;
}

}  // namespace orrery::sim

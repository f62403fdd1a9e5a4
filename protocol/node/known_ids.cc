#include "protocol/node/known_ids.h"

#include <bit>
#include <utility>

#include "engine/base/ensure.h"

namespace orrery::chain {
namespace {

constexpr std::size_t kFirstPlaces = 16;
constexpr std::uint64_t kGeneration = 1;
constexpr std::uint64_t kReceived = 2;
constexpr std::uint64_t kKey = ~(kGeneration | kReceived);

// Ids are SHA-256 digests: their first bytes are as good as any hash.
std::uint64_t key_of(const Hash256& id) {
  const std::uint64_t key = id.prefix() & kKey;
  return key != 0 ? key : kKey;
}

}  // namespace

std::uint32_t KnownIds::seat() {
  if (free_ == 0) {
    // One sweep for all that have left since the last.
    for (Entry& entry : entries_) entry.seats &= ~left_;
    free_ = std::exchange(left_, 0);
  }
  ENSURE(free_ != 0, "there is a seat for each peer");
  const auto seat = static_cast<std::uint32_t>(std::countr_zero(free_));
  free_ &= free_ - 1;
  return seat;
}

void KnownIds::leave(std::uint32_t seat) { left_ |= Seats{1} << seat; }

std::size_t KnownIds::place_of(std::uint64_t key) const {
  const std::size_t mask = entries_.size() - 1;
  std::size_t place = (key >> 2) & mask;
  while (entries_[place].key != 0 && (entries_[place].key & kKey) != key) {
    place = (place + 1) & mask;
  }
  return place;
}

void KnownIds::prefetch(const Hash256& id) const {
  if (entries_.empty()) return;
  __builtin_prefetch(&entries_[(key_of(id) >> 2) & (entries_.size() - 1)], 1);
}

KnownIds::Known KnownIds::find(const Hash256& id) const {
  if (entries_.empty()) return {};
  const Entry& entry = entries_[place_of(key_of(id))];
  return {entry.key != 0, (entry.key & kReceived) != 0, entry.seats};
}

void KnownIds::note(const Hash256& id, Seats seats) { find_or_add(id).seats |= seats; }

bool KnownIds::receive(const Hash256& id) {
  Entry& entry = find_or_add(id);
  const bool first = (entry.key & kReceived) == 0;
  entry.key |= kReceived;
  return first;
}

KnownIds::Entry& KnownIds::find_or_add(const Hash256& id) {
  if (entries_.empty()) entries_.resize(kFirstPlaces);
  const std::uint64_t key = key_of(id);
  Entry& found = entries_[place_of(key)];
  if (found.key != 0) return found;
  if (young_count_ >= kCapacity) {
    rebuild(entries_.size(), true);
    old_count_ = std::exchange(young_count_, 0);
    young_ ^= kGeneration;
  }
  if (2 * (young_count_ + old_count_ + 1) > entries_.size()) rebuild(2 * entries_.size(), false);
  ++young_count_;
  Entry& added = entries_[place_of(key)];
  added = {key | young_, 0};
  return added;
}

void KnownIds::rebuild(std::size_t places, bool young_only) {
  const std::vector<Entry> before = std::exchange(entries_, std::vector<Entry>(places));
  for (const Entry& entry : before) {
    if (entry.key == 0 || (young_only && (entry.key & kGeneration) != young_)) continue;
    entries_[place_of(entry.key & kKey)] = entry;
  }
}

}  // namespace orrery::chain

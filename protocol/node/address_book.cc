#include "protocol/node/address_book.h"

#include <numeric>
#include <utility>

namespace orrery::chain {

void AddressBook::learn(const env::Address& address) {
  if (entries_.size() >= kCapacity) return;
  if (places_.insert(address, entries_.size()).second) entries_.push_back({address, {}});
}

void AddressBook::forget(const env::Address& address) {
  const std::size_t* found = places_.find(address);
  if (found == nullptr) return;
  const std::size_t place = *found;
  places_.erase(address);
  if (place + 1 < entries_.size()) {
    entries_[place] = std::move(entries_.back());
    places_[entries_[place].address] = place;
  }
  entries_.pop_back();
}

std::optional<env::Address> AddressBook::take(
    std::uint64_t draw, Time now, const std::function<bool(const env::Address&)>& fits) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[(draw % entries_.size() + i) % entries_.size()];
    if (entry.dialled && now - *entry.dialled < kRedialAfter) continue;
    if (!fits(entry.address)) continue;
    entry.dialled = now;
    return entry.address;
  }
  return std::nullopt;
}

std::vector<env::Address> AddressBook::sample(std::size_t count, const env::Address& except,
                                              const std::function<std::uint64_t()>& draw) const {
  std::vector<std::size_t> left(entries_.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  std::vector<env::Address> chosen;
  while (!left.empty() && chosen.size() < count) {
    std::swap(left[draw() % left.size()], left.back());
    const env::Address& address = entries_[left.back()].address;
    left.pop_back();
    if (address != except) chosen.push_back(address);
  }
  return chosen;
}

}  // namespace orrery::chain

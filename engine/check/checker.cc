#include "engine/check/checker.h"

#include <algorithm>

namespace orrery::check {

Checker& CheckerSet::add(std::unique_ptr<Checker> checker, bool armed) {
  std::vector<env::TraceKind> kinds = checker->interests();
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  for (const env::TraceKind kind : kinds) {
    if (by_kind_.size() <= kind) by_kind_.resize(kind + std::size_t{1});
    by_kind_[kind].push_back(checker.get());
  }
  entries_.push_back({std::move(checker), armed});
  return *entries_.back().checker;
}

void CheckerSet::on_trace(Time now, std::uint32_t node, const env::TraceEvent& event) {
  if (event.kind >= by_kind_.size()) return;
  for (Checker* checker : by_kind_[event.kind]) checker->on_trace(now, node, event);
}

void CheckerSet::on_end(Time now) {
  for (Entry& entry : entries_) entry.checker->on_end(now);
}

std::uint64_t CheckerSet::violations() const {
  std::uint64_t sum = 0;
  for (const Entry& entry : entries_) sum += entry.checker->violations();
  return sum;
}

std::vector<std::string> CheckerSet::unarmed() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.armed && entry.checker->checks() == 0) names.emplace_back(entry.checker->name());
  }
  return names;
}

}  // namespace orrery::check

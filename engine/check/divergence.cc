#include "engine/check/divergence.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::check {
namespace {

bool equal(const Checkpoint& a, const Checkpoint& b) {
  return a.time == b.time && a.world == b.world && a.nodes == b.nodes;
}

std::optional<std::uint32_t> first_node(const Checkpoint& a, const Checkpoint& b) {
  const std::size_t common = std::min(a.nodes.size(), b.nodes.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (a.nodes[i] != b.nodes[i]) return static_cast<std::uint32_t>(i);
  }
  if (a.nodes.size() != b.nodes.size()) return static_cast<std::uint32_t>(common);
  return std::nullopt;
}

std::string line(const EventRecord& e) {
  const std::string node = e.node == UINT32_MAX ? "driver" : fmt::format("node {}", e.node);
  const std::string source = e.source == UINT32_MAX ? "outside" : fmt::format("node {}", e.source);
  return fmt::format("event {} at {}.{:09} s, {}: {} from {} (its {}th), payload {}, after {}",
                     e.index, e.time.ns / 1'000'000'000, e.time.ns % 1'000'000'000, node, e.kind,
                     source, e.counter, to_hex(e.payload), to_hex(e.after));
}

Status run_to_end(Steppable& run) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, run.step());
    if (!more) break;
  }
  run.checkpoint();
  return {};
}

// One step of a recorded run; nothing when it has ended.
Result<std::optional<EventRecord>> next_event(Steppable& run) {
  ASSIGN_OR_RETURN(const bool more, run.step());
  if (!more) return std::nullopt;
  return run.last_event();
}

}  // namespace

std::optional<LogDifference> compare(const DigestLog& a, const DigestLog& b) {
  std::uint64_t equal_events = 0;
  auto x = a.checkpoints().begin();
  auto y = b.checkpoints().begin();
  while (x != a.checkpoints().end() && y != b.checkpoints().end()) {
    if (x->events < y->events) {
      ++x;
    } else if (y->events < x->events) {
      ++y;
    } else if (equal(*x, *y)) {
      equal_events = x->events;
      ++x;
      ++y;
    } else {
      return LogDifference{equal_events, x->events, std::min(x->time, y->time), first_node(*x, *y)};
    }
  }
  return std::nullopt;
}

std::string Divergence::text() const {
  std::string out;
  for (const EventRecord& record : before) out += "  both: " + line(record) + "\n";
  out += "  a:    " + (a ? line(*a) : "the run had ended") + "\n";
  out += "  b:    " + (b ? line(*b) : "the run had ended") + "\n";
  return out;
}

Result<std::optional<Divergence>> compare_events(Steppable& a, Steppable& b,
                                                 std::uint64_t from_events,
                                                 std::uint64_t to_events) {
  for (Steppable* run : {&a, &b}) {
    while (run->events() < from_events) {
      ASSIGN_OR_RETURN(const bool more, run->step());
      if (!more) break;
    }
    run->record_events(true);
  }
  std::vector<EventRecord> before;
  while (a.events() < to_events || b.events() < to_events) {
    ASSIGN_OR_RETURN(std::optional<EventRecord> x, next_event(a));
    ASSIGN_OR_RETURN(std::optional<EventRecord> y, next_event(b));
    if (!x && !y) return std::nullopt;
    if (x != y) {
      return Divergence{std::max(a.events(), b.events()), std::move(x), std::move(y),
                        std::move(before)};
    }
    if (before.size() == Divergence::kContext) before.erase(before.begin());
    before.push_back(std::move(*x));
  }
  return std::nullopt;
}

Result<std::optional<Divergence>> first_divergence(const MakeRun& make_a, const MakeRun& make_b) {
  std::optional<LogDifference> difference;
  {
    ASSIGN_OR_RETURN(auto a, make_a());
    ASSIGN_OR_RETURN(auto b, make_b());
    TRY(run_to_end(*a));
    TRY(run_to_end(*b));
    difference = compare(a->log(), b->log());
    if (!difference && a->events() != b->events()) {
      // Equal while both ran: the longer one goes on alone after the last common checkpoint.
      const std::uint64_t period = std::max(a->log().period(), b->log().period());
      difference = LogDifference{std::min(a->events(), b->events()) / period * period,
                                 std::max(a->events(), b->events()),
                                 {},
                                 {}};
    }
  }
  if (!difference) return std::nullopt;
  ASSIGN_OR_RETURN(auto a, make_a());
  ASSIGN_OR_RETURN(auto b, make_b());
  ASSIGN_OR_RETURN(auto found,
                   compare_events(*a, *b, difference->equal_events, difference->different_events));
  if (!found) {
    return fail(ErrorCode::kInternal,
                fmt::format("two runs differed between events {} and {}, but not when repeated",
                            difference->equal_events, difference->different_events));
  }
  return found;
}

}  // namespace orrery::check

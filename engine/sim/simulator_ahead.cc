// Running handlers ahead of their turn on the threads of a crew; see ahead.h for why this changes
// nothing. One thread, the caller's, does the turns: it takes the events in the order of keys,
// those that come up meanwhile included, and does what their handlers noted. The others run
// handlers.
#include <algorithm>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "engine/env/event_digest.h"
#include "engine/sim/simulator.h"

namespace orrery::sim {
namespace {

// What a handler is told that waits for a turn that will not come, because an earlier event failed.
struct GivenUp : std::runtime_error {
  GivenUp() : std::runtime_error("an earlier event failed") {}
};

// Least handlers to run ahead for which waking the crew pays: a handler takes ten microseconds or
// so, waking a thread that has fallen asleep fifty.
constexpr std::size_t kWorthwhile = 16;

// What is waited for takes microseconds, unless its thread has lost its core.
template <class Done>
void wait_until(Crew& crew, Done done) {
  constexpr int kSpins = 500;
  for (int i = 0; !done(); ++i) {
    if (i >= kSpins) crew.yield();
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

bool ready(const Batch::Item& item) {
  const Batch::State state = item.state.load(std::memory_order_acquire);
  return state == Batch::State::kDone || state == Batch::State::kWaiting;
}

}  // namespace

// Serial where running ahead has no use or is not allowed: a single thread; events that are being
// recorded or watched; cut or clogged links, and corrupt messages, by which a receiver's doings
// change what its sender is answered at once; and shortly before a checkpoint, which looks at all
// nodes between two events.
bool Simulator::may_run_ahead() const {
  const std::uint64_t left = log_.period() - events_ % log_.period();
  return crew_ != nullptr && crew_->size() > 1 && !recording_ && core_.watcher == nullptr &&
         !links_.any_blocked() &&
         !links_.may_corrupt() && left > 2 * Batch::kMaxItems;
}

// True for events that touch more than their node at once.
bool Simulator::stands_alone(const EventKey& key, const Payload& payload) {
  return key.destination == kOutside || std::holds_alternative<pending::Boot>(payload) ||
         std::holds_alternative<pending::StallTimeout>(payload);
}

// Takes events while they may be looked at together, and decides which run ahead: the first of its
// node, if all that comes before its handler concerns that node alone.
void Simulator::fill_batch(Time until) {
  batch_->clear();
  ++batch_number_;
  batch_of_node_.resize(nodes(), 0);
  const Time end = core_.queue.next().time + links_.least_latency();
  while (!batch_->full() && !core_.queue.empty()) {
    const EventKey key = core_.queue.next();
    if (key.time >= end || key.time > until || stands_alone(key, core_.queue.next_payload())) break;
    auto [same, payload] = core_.queue.pop();
    Batch::Item& item = batch_->add(key, std::move(payload));
    std::uint64_t& seen = batch_of_node_[key.destination];
    if (seen == batch_number_ || !hosts_[key.destination]->is_up()) continue;
    seen = batch_number_;
    if (const auto* frame = std::get_if<pending::Frame>(&item.payload)) {
      item.heard = network_.expected(*frame);
      item.ahead = item.heard.has_value();
    } else {
      item.ahead = std::holds_alternative<pending::Timer>(item.payload) ||
                   std::holds_alternative<pending::Synced>(item.payload) ||
                   std::holds_alternative<pending::Job>(item.payload) ||
                   std::holds_alternative<pending::Request>(item.payload) ||
                   std::holds_alternative<pending::Admin>(item.payload);
    }
  }
}

// Runs an item's handler, on any thread.
void Simulator::run_item(Batch::Item& item) {
  Host& host = *hosts_[item.key.destination];
  item.state.store(Batch::State::kRunning, std::memory_order_relaxed);
  item.notes.take_turn = [this, &item] { await_turn(item); };
  host.run_ahead(&item.notes);
  try {
    std::visit(
        [&]<class P>(const P& payload) {
          if constexpr (std::is_same_v<P, pending::Timer> || std::is_same_v<P, pending::Synced> ||
                        std::is_same_v<P, pending::Job> || std::is_same_v<P, pending::Request> ||
                        std::is_same_v<P, pending::Admin>) {
            item.heard = host.arrive(payload);
          }
        },
        item.payload);
    if (item.heard) host.deliver(item.key, *item.heard);
  } catch (...) {
    item.error = std::current_exception();
  }
  host.run_ahead(nullptr);
  item.state.store(Batch::State::kDone, std::memory_order_release);
}

// Called by a handler that runs ahead. On the thread that does the turns, those before are done
// first; any other waits for that thread.
void Simulator::await_turn(Batch::Item& item) {
  if (item.own) {
    while (&(*batch_)[batch_->turn()] != &item && !failed_) do_turn();
    if (!failed_) begin_turn(item);
  } else {
    item.state.store(Batch::State::kWaiting, std::memory_order_release);
    wait_until(*crew_, [&] {
      return item.state.load(std::memory_order_acquire) == Batch::State::kTurn ||
             batch_->given_up();
    });
  }
  if (failed_ || batch_->given_up()) throw GivenUp();
  do_notes(item);
}

// All that comes before the handler's own doings.
void Simulator::begin_turn(Batch::Item& item) {
  while (!core_.queue.empty() && core_.queue.next() < item.key && !failed_) {
    const std::uint32_t node = core_.queue.next().destination;
    ENSURE(node == kOutside ? !batch_->any_ahead() : !is_ahead(node),
           "what happens less than a link's latency after its cause stays on its node");
    auto [key, payload] = core_.queue.pop();
    run_event(key, std::move(payload));
  }
  core_.now = item.key.time;
  item.direct = true;
  if (!item.ahead || !item.heard) return;
  event_ = env::event_name(*item.heard);
  if (const auto* frame = std::get_if<pending::Frame>(&item.payload)) {
    const auto heard = network_.arrive(item.key.destination, *frame);
    ENSURE(heard && env::event_digest(*heard) == env::event_digest(*item.heard),
           "a message is what was expected of it");
  }
}

void Simulator::do_notes(Batch::Item& item) {
  for (const auto& effect : item.notes.effects) effect();
  item.notes.effects.clear();
}

// Does the turn of the next item, which somebody has begun to run if it runs ahead.
void Simulator::do_turn() {
  Batch::Item& item = (*batch_)[batch_->turn()];
  if (item.ahead) wait_until(*crew_, [&] { return ready(item); });
  const EventKey key = item.key;
  attempt(key, [&] {
    if (item.direct) {  // it is ours, and its turn came while it ran
    } else if (!item.ahead) {
      begin_turn(item);
      if (failed_) return;
      execute(key, std::move(item.payload));
    } else if (begin_turn(item); failed_) {
      return;
    } else if (item.state.load(std::memory_order_acquire) == Batch::State::kWaiting) {
      item.state.store(Batch::State::kTurn, std::memory_order_release);
      wait_until(*crew_,
                 [&] { return item.state.load(std::memory_order_acquire) == Batch::State::kDone; });
    } else {
      do_notes(item);
    }
    if (item.error) std::rethrow_exception(item.error);
  });
  batch_->end_turn();
  if (!failed_) end_event();
}

void Simulator::do_turns() {
  while (batch_->turn() < batch_->size() && !failed_) {
    Batch::Item& item = (*batch_)[batch_->turn()];
    if (item.ahead && !ready(item)) {
      if (Batch::Item* other = batch_->claim()) {
        other->own = true;
        run_item(*other);
        continue;
      }
    }
    do_turn();
  }
  if (failed_) batch_->give_up();
}

Status Simulator::run_batch(Time until) {
  fill_batch(until);
  if (batch_->empty()) {
    TRY(step());
    return {};
  }
  if (const std::size_t ahead = batch_->count_ahead(); ahead >= kWorthwhile) {
    events_ahead_ += ahead;
    crew_->run([this](unsigned thread) {
      if (thread == 0) return do_turns();
      while (Batch::Item* item = batch_->claim()) run_item(*item);
    });
  } else {
    for (std::size_t i = 0; i < batch_->size(); ++i) (*batch_)[i].ahead = false;
    do_turns();
  }
  if (failed_) return tl::unexpected(*failed_);
  return {};
}

bool Simulator::is_ahead(std::uint32_t node) const {
  for (std::size_t i = batch_->turn(); i < batch_->size(); ++i) {
    const Batch::Item& item = (*batch_)[i];
    if (item.ahead && item.key.destination == node) return true;
  }
  return false;
}

void Simulator::use_crew(Crew* crew) {
  ENSURE(!in_node_, "threads are lent by the driver, not by a node");
  crew_ = crew;
  if (crew != nullptr && batch_ == nullptr) batch_ = std::make_unique<Batch>();
}

}  // namespace orrery::sim

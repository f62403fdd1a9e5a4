// The events that a simulated world looks at together when it has threads: up to kMaxItems of them,
// in the order of their keys, less than the least latency of a link apart. Internal to engine/sim;
// owned by the Simulator, see simulator_ahead.cc for what is done with it.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>

#include "engine/sim/ahead.h"
#include "engine/sim/core.h"

namespace orrery::sim {

class Batch {
 public:
  // Enough handlers for a dozen threads, few enough that their notes stay in the cache.
  static constexpr std::size_t kMaxItems = 128;

  enum class State : std::uint32_t {
    kIdle,     // nobody has begun with it
    kRunning,  // a thread runs its handler ahead
    kWaiting,  // which has come to something that must be done in turn
    kTurn,     // and may go on
    kDone,
  };
  struct Item {
    EventKey key;
    Payload payload;
    bool ahead = false;  // else all of it is done in turn
    std::optional<env::Event> heard;
    Ahead notes;
    bool direct = false;  // its turn came while the handler was running
    bool own = false;     // the handler runs on the thread that does the turns
    std::exception_ptr error;
    std::atomic<State> state{State::kIdle};
  };

  Item& operator[](std::size_t i) { return items_[i]; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == kMaxItems; }

  Item& add(const EventKey& key, Payload payload) {
    Item& item = items_[size_++];
    item.key = key;
    item.payload = std::move(payload);
    item.ahead = item.direct = item.own = false;
    item.notes.now = key.time;
    item.notes.bytes = 0;
    item.notes.dropped = false;
    item.error = nullptr;
    item.state.store(State::kIdle, std::memory_order_relaxed);
    return item;
  }
  // Forgets all items. No thread may be in the batch.
  void clear() {
    for (std::size_t i = 0; i < size_; ++i) {
      items_[i].heard.reset();
      items_[i].notes.effects.clear();
    }
    size_ = turn_ = 0;
    next_ = 0;
    given_up_ = false;
  }

  // The next item that is to run ahead and that nobody has taken; nullptr if there is none.
  Item* claim() {
    for (std::size_t i = 0; (i = next_++) < size_;) {
      if (items_[i].ahead) return &items_[i];
    }
    return nullptr;
  }

  // Handlers that run ahead, or have, and whose turn has not come.
  bool any_ahead() const {
    return std::any_of(items_.begin() + static_cast<std::ptrdiff_t>(turn_),
                       items_.begin() + static_cast<std::ptrdiff_t>(size_),
                       [](const Item& item) { return item.ahead; });
  }
  std::size_t count_ahead() const {
    return static_cast<std::size_t>(
        std::count_if(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(size_),
                      [](const Item& item) { return item.ahead; }));
  }

  // The item whose turn it is.
  std::size_t turn() const { return turn_; }
  void end_turn() { ++turn_; }

  // Tells handlers that wait for their turn that it will not come.
  void give_up() { given_up_ = true; }
  bool given_up() const { return given_up_; }

 private:
  std::array<Item, kMaxItems> items_;
  std::size_t size_ = 0;
  std::size_t turn_ = 0;  // of the thread that does the turns
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> given_up_{false};
};

}  // namespace orrery::sim

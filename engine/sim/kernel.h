// A simulation kernel for models of many small nodes: 10^3 to 10^7 nodes of plain state, events of
// 16 bytes. For code that runs on the seam, thousands of nodes at most, see simulator.h.
//
// What happens to a node is decided by the events it gets, in the order of (time, word). A message
// to another node takes at least `lookahead`; so events of different nodes that are less than that
// apart cannot influence each other, and the kernel executes them in the order that is fastest, on
// as many threads as pay (windows.h). Where so few events fall into a window that it does not pay,
// it takes them one by one from a ladder queue. Neither can be seen from inside: each node's draws
// and chained digest are functions of what that node did.
//
// A Model is:
//   using Node = ...;                              // plain data, value-initialised
//   void on(Self self, std::uint32_t word) const;  // Self: Kernel<Model>::Self
// `on` is called on any thread. It may change self.node() and nothing else; other nodes hear of it
// by self.send(). Events with equal node, time and word are the same event twice, so it does not
// matter which comes first.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/codec.h"
#include "engine/base/digest.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/sim/crew.h"
#include "engine/sim/windows.h"

namespace orrery::sim {

struct KernelOptions {
  std::uint32_t nodes = 0;  // 1 .. 2^31
  std::uint64_t seed = 1;
  Duration lookahead{};              // least delay of a message to another node; above 0
  enum class Order : std::uint8_t {  // for tests and measurements; results do not depend on it
    kAutomatic,
    kOneByOne,
    kWindows,
  } order = Order::kAutomatic;
};

// `kDigests` is false only to measure what digests cost.
template <class Model, bool kDigests = true>
class Kernel {
  struct Slot;

 public:
  // What the model may do while it handles an event of a node.
  class Self {
   public:
    std::uint32_t index() const { return index_; }
    Time now() const { return Time{static_cast<std::int64_t>(time_)}; }
    typename Model::Node& node() { return slot_.node; }
    // Uniform 64 bits: f(seed, node, number of the draw).
    std::uint64_t draw() { return mix64(kernel_.options_.seed, slot_.draws++); }
    // Uniform below `bound` up to 2^-32 of a part; bound > 0.
    std::uint32_t draw_below(std::uint32_t bound) {
      return static_cast<std::uint32_t>((draw() >> 32) * bound >> 32);
    }
    // ENSUREs that the delay is at least the lookahead, or not negative if it is to oneself.
    void send(std::uint32_t to, Duration delay, std::uint32_t word) {
      kernel_.send(worker_, index_, to, time_, delay, word);
    }

   private:
    friend Kernel;
    Self(Kernel& kernel, WindowWorker& worker, Slot& slot, std::uint32_t index, std::uint64_t time)
        : kernel_(kernel), worker_(worker), slot_(slot), index_(index), time_(time) {}
    Kernel& kernel_;
    WindowWorker& worker_;
    Slot& slot_;
    std::uint32_t index_;
    std::uint64_t time_;
  };

  // kInvalidArgument if an option is out of range. `model` outlives the kernel.
  static Result<Kernel> make(KernelOptions options, const Model& model) {
    if (options.nodes == 0 || options.nodes > kMaxNodes) {
      return fail(ErrorCode::kInvalidArgument, "a kernel has 1 to 2^31 nodes");
    }
    if (options.lookahead <= Duration{}) {
      return fail(ErrorCode::kInvalidArgument,
                  "the lookahead must be above 0: it is the least delay between two nodes");
    }
    return Kernel(options, model);
  }

  // An event from outside, at or after now() (ENSUREd).
  void schedule(Time at, std::uint32_t node, std::uint32_t word) {
    ENSURE(at >= now_ && node < options_.nodes,
           "an event from outside is in the past or to nobody");
    windows_.push(windows_.worker(0), make_entry(static_cast<std::uint64_t>(at.ns), node, word));
  }

  // Executes all events up to and including `until`. With a crew, windows that are worth it are
  // executed by all its threads; nothing but the time it takes depends on it.
  void run_until(Time until, Crew* crew = nullptr) {
    ENSURE(until >= now_ && until < kNever, "a run ends at or after now");
    if (crew != nullptr) windows_.use_workers(crew->size());
    while (one_by_one_ ? run_one_by_one(until) : run_windows(until, crew)) {
    }
    now_ = until;
  }

  Time now() const { return now_; }
  std::uint64_t events() const { return events_; }
  std::uint32_t nodes() const { return options_.nodes; }
  const typename Model::Node& node(std::uint32_t index) const { return slots_[index].node; }
  // Windows that a crew executed, and those that one thread did: shows what run_until chose.
  std::uint64_t shared_windows() const { return shared_windows_; }
  std::uint64_t own_windows() const { return own_windows_; }

  // Folds every node's chain of events and number of draws, in order of nodes.
  Digest128 digest() const {
    Digest128 digest;
    for (const Slot& slot : slots_) {
      Writer out;
      out.u64(slot.chain).u64(slot.draws);
      digest = extend(digest, out.view());
    }
    return digest;
  }

  // Least events of a window for which waking the crew pays. A judgement: below it, work of a few
  // microseconds would wait for a thread to wake.
  static constexpr std::uint64_t kSharedEvents = 4096;

 private:
  static constexpr std::uint32_t kMaxNodes = std::uint32_t{1} << 31;
  // Windows pay if those that hold events hold so many on average. A period is looked at, so that a
  // few odd ones do not flip it, and there is a gap between the bounds.
  static constexpr std::uint64_t kFewEvents = 4, kManyEvents = 12, kPeriod = 4096;

  struct alignas(std::min<std::size_t>(64, std::bit_ceil(16 + sizeof(typename Model::Node)))) Slot {
    std::uint64_t draws;      // upper half: the node; lower half: its number of draws
    std::uint64_t chain = 0;  // of all events of the node
    typename Model::Node node{};
  };

  Kernel(KernelOptions options, const Model& model)
      : options_(options),
        model_(&model),
        windows_(options.nodes, static_cast<std::uint64_t>(options.lookahead.ns)),
        slots_(options.nodes) {
    for (std::uint32_t i = 0; i < options.nodes; ++i) {
      slots_[i].draws = static_cast<std::uint64_t>(i) << 32;
    }
    if (options.order == KernelOptions::Order::kOneByOne) go_one_by_one();
  }

  void send(WindowWorker& worker, std::uint32_t from, std::uint32_t to, std::uint64_t now,
            Duration delay, std::uint32_t word) {
    if (delay < options_.lookahead) [[unlikely]] {
      ENSURE(from == to && delay >= Duration{}, "a message to another node takes the lookahead");
    }
    ENSURE(to < options_.nodes, "a message to nobody");
    windows_.push(worker, make_entry(now + static_cast<std::uint64_t>(delay.ns), to, word));
  }

  void handle(WindowWorker& worker, Entry entry) {
    const std::uint32_t index = node_of(entry);
    Slot& slot = slots_[index];
    if constexpr (kDigests) slot.chain = chain(slot.chain, time_of(entry), word_of(entry));
    model_->on(Self(*this, worker, slot, index, time_of(entry)), word_of(entry));
  }
  // A 64 x 64 -> 128 bit multiplication folded by exclusive or, as in wyhash: one multiplication an
  // event. The second factor is never 0 because its upper half is that of the constant.
  static std::uint64_t chain(std::uint64_t before, std::uint64_t time, std::uint32_t word) {
    const u128 product = static_cast<u128>(before ^ time ^ 0xa0761d6478bd642f) *
                         (word ^ std::uint64_t{0xe7037ed1a0b428db});
    return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
  }

  // True if there may be more to do before `until`.
  bool run_windows(Time until, Crew* crew) {
    const std::uint64_t window = windows_.next_window();
    const auto end = static_cast<std::uint64_t>(until.ns) + 1;
    if (window == Windows::kNone || windows_.begin_of(window) >= end) return false;
    const std::uint64_t events = windows_.begin_window(window);
    const std::uint64_t limit = std::min(end, windows_.begin_of(window + 1));
    std::atomic<std::uint32_t> next_partition{0};
    const auto work = [&](unsigned i) {
      WindowWorker& worker = windows_.worker(i);
      for (std::uint32_t p = 0; (p = next_partition++) < windows_.partitions();) {
        windows_.execute(
            worker, window, p, limit, [&](std::uint32_t n) { __builtin_prefetch(&slots_[n], 1); },
            [&](Entry entry) { handle(worker, entry); });
      }
    };
    if (crew != nullptr && crew->size() > 1 && events >= kSharedEvents &&
        windows_.partitions() > 1) {
      crew->run(work);
      ++shared_windows_;
    } else {
      work(0);
      ++own_windows_;
    }
    const bool whole = limit == windows_.begin_of(window + 1);
    windows_.end_window(window, whole);
    count_events();
    if (events < kFewEvents) {
      lean_ += kFewEvents - events;
    } else {
      lean_ -= std::min(lean_, events - kFewEvents);
    }
    if (lean_ > kPeriod && options_.order == KernelOptions::Order::kAutomatic) go_one_by_one();
    return whole;
  }

  // Ends at `until`, or when windows have come to pay.
  bool run_one_by_one(Time until) {
    WindowWorker& worker = windows_.worker(0);
    LadderQueue<>& ladder = worker.far;
    std::uint64_t window = 0, events_of_period = 0, windows_of_period = 0;
    while (!ladder.empty()) {
      const Entry next = ladder.min();
      if (time_of(next) > static_cast<std::uint64_t>(until.ns)) break;
      ladder.pop();
      __builtin_prefetch(&slots_[node_of(ladder.peek(Windows::kPrefetch, next))], 1);
      handle(worker, next);
      ++worker.events;
      if (windows_.window_of(time_of(next)) != window) {
        window = windows_.window_of(time_of(next));
        ++windows_of_period;
      }
      if (++events_of_period < kPeriod) continue;
      if (events_of_period >= kManyEvents * windows_of_period &&
          options_.order == KernelOptions::Order::kAutomatic) {
        one_by_one_ = false;
        windows_.use_windows(time_of(next));
        return true;
      }
      events_of_period = windows_of_period = 0;
    }
    count_events();
    return false;
  }
  void go_one_by_one() {
    windows_.use_ladder();
    one_by_one_ = true;
    lean_ = 0;
  }
  void count_events() {
    events_ = 0;
    for (unsigned i = 0; i < windows_.workers(); ++i) events_ += windows_.worker(i).events;
  }

  KernelOptions options_;
  const Model* model_;
  Windows windows_;
  std::vector<Slot> slots_;
  Time now_{};
  bool one_by_one_ = false;
  std::uint64_t lean_ = 0;  // events that recent windows fell short of kFewEvents
  std::uint64_t events_ = 0;
  std::uint64_t shared_windows_ = 0;
  std::uint64_t own_windows_ = 0;
};

}  // namespace orrery::sim

// The directed links of a simulated world: which model each follows, which are cut, and their
// random draws. The n-th message of a link draws f(seed, from, to, n): other links, removed nodes
// and faults elsewhere shift nothing.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/sim/options.h"
#include "engine/sim/topology.h"

namespace orrery::sim {

class Links {
 public:
  explicit Links(std::uint64_t seed) : seed_(seed) {}

  void add_node(std::uint32_t region);
  std::uint32_t nodes() const { return static_cast<std::uint32_t>(regions_.size()); }

  // Most specific wins: running override (the latest begun), pair, pair of regions, default.
  // kInvalidArgument if the latency is no valid distribution or a chance exceeds a million.
  Status set_default(const LinkModel& model);
  Status set_region(std::uint32_t from_region, std::uint32_t to_region, const LinkModel& model);
  Status set_pair(std::uint32_t from, std::uint32_t to, const LinkModel& model);
  Status begin_override(std::uint32_t fault, Edges edges, const LinkModel& model);
  void end_override(std::uint32_t fault);

  // From now on messages take the latency of their path, wherever the link in force has the default
  // link's latency. Before any link is used; shared with nobody.
  void set_topology(std::unique_ptr<Topology> topology) { topology_ = std::move(topology); }

  // Sides cannot reach each other; nodes in no side reach everyone. Cuts may overlap: a link is cut
  // while any of them covers it.
  void begin_partition(std::uint32_t fault, const std::vector<std::vector<std::uint32_t>>& sides);
  void begin_cut(std::uint32_t fault, Edges edges);
  void end_cut(std::uint32_t fault);
  bool cut(std::uint32_t from, std::uint32_t to) const;
  bool any_blocked() const { return !cuts_.empty() || !clogs_.empty(); }
  // True from the first model on that corrupts messages.
  bool may_corrupt() const;
  // No message has taken, or will take, less on any link with the models known so far.
  Duration least_latency() const;

  // Nothing moves over a clogged link, and nothing is lost. A fault may have several clogs, told
  // apart by `part`.
  void begin_clog(std::uint32_t fault, std::uint32_t part, Edges edges);
  void end_clog(std::uint32_t fault, std::uint32_t part);
  bool clogged(std::uint32_t from, std::uint32_t to) const;
  // Cut or clogged: streams stall.
  bool blocked(std::uint32_t from, std::uint32_t to) const {
    return cut(from, to) || clogged(from, to);
  }

  // The draws of all links from now on.
  void reseed(std::uint64_t seed);
  // A handle of the link, stable for the life of the world.
  std::uint32_t link(std::uint32_t from, std::uint32_t to);

  struct Draw {
    Duration latency;
    std::uint32_t losses = 0;  // times in a row that this message is lost, at most kMaxRetransmits
    bool duplicate = false;
    Duration duplicate_latency;
    Duration held_back{};           // a datagram, by reordering
    bool corrupt = false;           // on its way
    std::uint32_t corrupt_bit = 0;  // uniform: which bit, modulo the size
  };
  // Draws for the link's next message.
  Draw draw(std::uint32_t link);
  // No room for `bytes` more in the link's own queue, at `depart`.
  bool queue_full(std::uint32_t link, Time depart, std::uint64_t bytes) const;
  // When `bytes` that may leave at `depart` have passed the link's own rate.
  Time transmit(std::uint32_t link, Time depart, std::uint64_t bytes);

 private:
  struct Model {
    LinkModel spec;
    Distribution latency;
  };
  struct Link {
    std::uint32_t from, to;
    std::uint32_t model;
    std::uint64_t key, domain;
    std::uint64_t messages = 0;
    Time free{};  // of the link's own rate
    Duration path{};
  };
  struct Cut {
    std::uint32_t fault;
    std::vector<std::int32_t> side;  // by node, -1: in none
    Edges edges;                     // sorted
  };
  struct Clog {
    std::uint32_t fault, part;
    Edges edges;  // sorted
  };
  struct Override {
    std::uint32_t fault;
    std::uint32_t model;
    Edges edges;  // sorted
  };

  Result<std::uint32_t> compile(const LinkModel& model);
  std::uint32_t model_of(std::uint32_t from, std::uint32_t to) const;
  void refresh();
  void draw_faults(const Link& link, const LinkModel& model, std::uint64_t counter,
                   Draw& draw) const;
  std::array<std::uint32_t, 4> philox(const Link& link, std::uint64_t counter) const;

  std::uint64_t seed_;
  std::unique_ptr<Topology> topology_;
  std::vector<Model> models_;
  std::uint32_t default_ = 0;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> region_models_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> pair_models_;
  std::vector<Override> overrides_;
  std::vector<Cut> cuts_;
  std::vector<Clog> clogs_;
  std::vector<std::uint32_t> regions_;
  std::vector<Link> links_;
  // By sender: (receiver, handle), ascending.
  std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>> by_sender_;
};

}  // namespace orrery::sim

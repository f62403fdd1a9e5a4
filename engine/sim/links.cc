#include "engine/sim/links.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace orrery::sim {
namespace {

constexpr std::uint32_t kMillion = 1'000'000;

// Counter bit that separates the draws of a duplicate from those of the message itself.
constexpr std::uint64_t kDuplicateDraw = std::uint64_t{1} << 63;
// The same for draws of jitter, reordering and corruption.
constexpr std::uint64_t kFaultDraw = std::uint64_t{1} << 62;

// True with probability ppm / 10^6; `draw` is uniform over 32 bits.
bool happens(std::uint64_t draw, std::uint32_t ppm) {
  return draw * kMillion < static_cast<std::uint64_t>(ppm) << 32;
}

}  // namespace

void Links::add_node(std::uint32_t region) {
  regions_.push_back(region);
  by_sender_.emplace_back();
}

Result<std::uint32_t> Links::compile(const LinkModel& model) {
  for (std::size_t i = 0; i < models_.size(); ++i) {
    if (models_[i].spec == model) return static_cast<std::uint32_t>(i);
  }
  if (model.loss_ppm > kMillion || model.duplicate_ppm > kMillion || model.reorder_ppm > kMillion ||
      model.corrupt_ppm > kMillion) {
    return fail(ErrorCode::kInvalidArgument, "a chance is at most 1,000,000 ppm");
  }
  if (model.jitter < Duration{} || model.reorder_window < Duration{}) {
    return fail(ErrorCode::kInvalidArgument, "jitter and reorder_window are not negative");
  }
  if (model.queue_bytes != 0 && model.bytes_per_second == 0) {
    return fail(ErrorCode::kInvalidArgument, "a queue needs a rate at which it empties");
  }
  ASSIGN_OR_RETURN(Distribution latency, Distribution::make(model.latency));
  models_.push_back({model, std::move(latency)});
  return static_cast<std::uint32_t>(models_.size() - 1);
}

Status Links::set_default(const LinkModel& model) {
  ASSIGN_OR_RETURN(default_, compile(model));
  refresh();
  return {};
}

Status Links::set_region(std::uint32_t from_region, std::uint32_t to_region,
                         const LinkModel& model) {
  ASSIGN_OR_RETURN(const std::uint32_t index, compile(model));
  region_models_[{from_region, to_region}] = index;
  refresh();
  return {};
}

Status Links::set_pair(std::uint32_t from, std::uint32_t to, const LinkModel& model) {
  ASSIGN_OR_RETURN(const std::uint32_t index, compile(model));
  pair_models_[{from, to}] = index;
  refresh();
  return {};
}

Status Links::begin_override(std::uint32_t fault, Edges edges, const LinkModel& model) {
  ASSIGN_OR_RETURN(const std::uint32_t index, compile(model));
  std::sort(edges.begin(), edges.end());
  overrides_.push_back({fault, index, std::move(edges)});
  refresh();
  return {};
}

void Links::end_override(std::uint32_t fault) {
  std::erase_if(overrides_, [&](const Override& o) { return o.fault == fault; });
  refresh();
}

std::uint32_t Links::model_of(std::uint32_t from, std::uint32_t to) const {
  for (auto o = overrides_.rbegin(); o != overrides_.rend(); ++o) {
    if (std::binary_search(o->edges.begin(), o->edges.end(), std::pair(from, to))) return o->model;
  }
  if (const auto pair = pair_models_.find({from, to}); pair != pair_models_.end()) {
    return pair->second;
  }
  const auto region = region_models_.find({regions_[from], regions_[to]});
  return region != region_models_.end() ? region->second : default_;
}

void Links::refresh() {
  for (Link& link : links_) link.model = model_of(link.from, link.to);
}

void Links::begin_partition(std::uint32_t fault,
                            const std::vector<std::vector<std::uint32_t>>& sides) {
  Cut cut{fault, std::vector<std::int32_t>(nodes(), -1), {}};
  for (std::size_t side = 0; side < sides.size(); ++side) {
    for (const std::uint32_t node : sides[side]) {
      ENSURE(node < nodes(), "a partition names a node that does not exist");
      cut.side[node] = static_cast<std::int32_t>(side);
    }
  }
  cuts_.push_back(std::move(cut));
}

void Links::begin_cut(std::uint32_t fault, Edges edges) {
  std::sort(edges.begin(), edges.end());
  cuts_.push_back({fault, {}, std::move(edges)});
}

void Links::end_cut(std::uint32_t fault) {
  std::erase_if(cuts_, [&](const Cut& c) { return c.fault == fault; });
}

bool Links::cut(std::uint32_t from, std::uint32_t to) const {
  for (const Cut& c : cuts_) {
    const auto side = [&](std::uint32_t node) { return node < c.side.size() ? c.side[node] : -1; };
    if (side(from) >= 0 && side(to) >= 0 && side(from) != side(to)) return true;
    if (std::binary_search(c.edges.begin(), c.edges.end(), std::pair(from, to))) return true;
  }
  return false;
}

void Links::begin_clog(std::uint32_t fault, std::uint32_t part, Edges edges) {
  std::sort(edges.begin(), edges.end());
  clogs_.push_back({fault, part, std::move(edges)});
}

void Links::end_clog(std::uint32_t fault, std::uint32_t part) {
  std::erase_if(clogs_, [&](const Clog& c) { return c.fault == fault && c.part == part; });
}

bool Links::clogged(std::uint32_t from, std::uint32_t to) const {
  return std::any_of(clogs_.begin(), clogs_.end(), [&](const Clog& c) {
    return std::binary_search(c.edges.begin(), c.edges.end(), std::pair(from, to));
  });
}

bool Links::may_corrupt() const {
  return std::any_of(models_.begin(), models_.end(),
                     [](const Model& m) { return m.spec.corrupt_ppm > 0; });
}

Duration Links::least_latency() const {
  // A path takes no less than its least edge.
  Duration least = topology_ ? topology_->least_edge() : Duration{INT64_MAX};
  for (const Model& model : models_) {
    if (topology_ && model.spec.latency == models_[default_].spec.latency) continue;
    least = std::min(least, std::max(kMinLatency, Duration{model.latency.minimum()}));
  }
  return least;
}

std::uint32_t Links::link(std::uint32_t from, std::uint32_t to) {
  auto& row = by_sender_[from];
  const auto it = std::lower_bound(row.begin(), row.end(), std::pair(to, std::uint32_t{0}));
  if (it != row.end() && it->first == to) return it->second;
  const auto index = static_cast<std::uint32_t>(links_.size());
  const std::uint64_t edge = static_cast<std::uint64_t>(from) << 32 | to;
  links_.push_back(
      {from, to, model_of(from, to), mix64(seed_, edge), mix64(stream_id("engine.link"), edge)});
  if (topology_) links_.back().path = topology_->path(from, to);
  row.insert(it, {to, index});
  return index;
}

void Links::reseed(std::uint64_t seed) {
  seed_ = seed;
  for (Link& l : links_) l.key = mix64(seed, static_cast<std::uint64_t>(l.from) << 32 | l.to);
}

std::array<std::uint32_t, 4> Links::philox(const Link& link, std::uint64_t counter) const {
  const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  return philox4x32({low(counter), high(counter), low(link.domain), high(link.domain)},
                    {low(link.key), high(link.key)});
}

Links::Draw Links::draw(std::uint32_t index) {
  Link& link = links_[index];
  const Model& model = models_[link.model];
  const auto latency = [&](const std::array<std::uint32_t, 4>& bits) {
    if (topology_ && model.spec.latency == models_[default_].spec.latency) return link.path;
    const std::uint64_t uniform = static_cast<std::uint64_t>(bits[1]) << 32 | bits[0];
    return std::max(kMinLatency, Duration{model.latency.at(uniform)});
  };
  const std::uint64_t n = link.messages++;
  const auto bits = philox(link, n);
  Draw draw{.latency = latency(bits)};
  // One uniform draw u gives the number of losses in a row: k or more with probability p^k.
  std::uint64_t threshold = static_cast<std::uint64_t>(model.spec.loss_ppm) << 32;
  while (draw.losses < kMaxRetransmits &&
         static_cast<std::uint64_t>(bits[2]) * kMillion < threshold) {
    ++draw.losses;
    threshold =
        static_cast<std::uint64_t>(static_cast<u128>(threshold) * model.spec.loss_ppm / kMillion);
  }
  if (happens(bits[3], model.spec.duplicate_ppm)) {
    draw.duplicate = true;
    draw.duplicate_latency = latency(philox(link, n | kDuplicateDraw));
  }
  const LinkModel& m = model.spec;
  if (m.jitter.ns != 0 || m.reorder_ppm != 0 || m.corrupt_ppm != 0) draw_faults(link, m, n, draw);
  return draw;
}

void Links::draw_faults(const Link& link, const LinkModel& model, std::uint64_t counter,
                        Draw& draw) const {
  const auto bits = philox(link, counter | kFaultDraw);
  const auto part_of = [](Duration whole, std::uint64_t draw32) {
    return Duration{static_cast<std::int64_t>(static_cast<u128>(whole.ns) * draw32 >> 32)};
  };
  draw.latency = draw.latency + part_of(model.jitter, bits[0]);
  if (happens(bits[1], model.reorder_ppm)) {
    // Given that it happens, this is uniform again.
    const std::uint64_t again = std::uint64_t{bits[1]} * kMillion / model.reorder_ppm;
    draw.held_back = part_of(model.reorder_window, again);
  }
  draw.corrupt = happens(bits[2], model.corrupt_ppm);
  draw.corrupt_bit = bits[3];
}

bool Links::queue_full(std::uint32_t index, Time depart, std::uint64_t bytes) const {
  const Link& link = links_[index];
  const LinkModel& model = models_[link.model].spec;
  if (model.queue_bytes == 0 || link.free <= depart) return false;
  const u128 waiting =
      static_cast<u128>((link.free - depart).ns) * model.bytes_per_second / 1'000'000'000;
  return waiting + bytes > model.queue_bytes;
}

Time Links::transmit(std::uint32_t index, Time depart, std::uint64_t bytes) {
  Link& link = links_[index];
  const std::uint64_t rate = models_[link.model].spec.bytes_per_second;
  if (rate == 0) return depart;
  link.free = std::max(link.free, depart) + serialisation(bytes, rate);
  return link.free;
}

}  // namespace orrery::sim

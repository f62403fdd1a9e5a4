#include "gpu/cpu/dispute.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "gpu/cpu/layer_ops.h"

namespace orrery::gpu {
namespace {

using ops::Row;
using Rows = std::vector<Row>;

Liar both(bool first, bool second) {
  if (first && second) return Liar::kBoth;
  return first ? Liar::kFirst : second ? Liar::kSecond : Liar::kNobody;
}

struct Place {
  std::uint32_t position;
  std::uint32_t layer;
};

// Whether a side can open a leaf of its own root with the token that was fed.
bool opens(const Disputant& side, const ModelConfig& c, std::span<const std::uint32_t> tokens,
           const Place& at) {
  const Transcript& t = side.transcript();
  const auto row = t.row(at.position, at.layer);
  return row.size() == c.dim &&
         verify_row(t.root(), {at.position, at.layer, tokens[at.position], row}, c.layers,
                    t.prove(at.position, at.layer));
}

// Rows that enter the layer, as `side` opens them; nothing if it cannot. The leaves are agreed.
std::optional<Rows> layer_input(const ModelArtefact& model, std::span<const std::uint32_t> tokens,
                                const Disputant& side, const Place& at) {
  Rows rows;
  for (std::uint32_t p = 0; p <= at.position; ++p) {
    if (at.layer == 0) {
      rows.push_back(ops::embed(model, tokens[p], p));
      continue;
    }
    if (!opens(side, model.config, tokens, {p, at.layer - 1})) return std::nullopt;
    const auto row = side.transcript().row(p, at.layer - 1);
    rows.emplace_back(row.begin(), row.end());
  }
  return rows;
}

// A whole trace of the right shape that ends at the side's own leaf.
bool fits(const ModelConfig& c, const LayerTrace& trace, const Disputant& side, const Place& at) {
  const std::size_t d = c.dim, h = c.hidden;
  const std::size_t up = c.family == Family::kGpt2 ? h : 2 * h;
  const std::size_t widths[kLayerOps] = {d + 2, 3 * d, 3 * d, d,     d + 2, d, d,
                                         d + 2, up,    h,     h + 2, d,     d};
  if (trace.size() != kLayerOps) return false;
  for (std::size_t op = 0; op < kLayerOps; ++op) {
    if (trace[op].size() != widths[op]) return false;
  }
  return std::ranges::equal(trace.back(), side.transcript().row(at.position, at.layer));
}

// All rows, of the right width, and the last one as the agreed trace has it.
bool fits(const ModelConfig& c, const Rows& rotated, const DisputedStep& step) {
  return rotated.size() == step.input.size() &&
         rotated.back() == step.agreed[static_cast<std::size_t>(LayerOp::kRotated)] &&
         std::ranges::all_of(rotated, [&](const Row& row) { return row.size() == 3 * c.dim; });
}

// Sides who agree on queries, keys and values of this position and not on what the heads make of
// them may differ in those of an earlier one.
void narrow_attention(const ModelArtefact& model, const Disputant& first, const Disputant& second,
                      Narrowing& out) {
  DisputedStep& step = *out.step;
  Rows a = first.rotated(step.layer, step.input);
  const Rows b = second.rotated(step.layer, step.input);
  ++out.rounds;
  out.liar = both(!fits(model.config, a, step), !fits(model.config, b, step));
  if (out.liar != Liar::kNobody) {
    out.step.reset();
    return;
  }
  for (std::uint32_t p = 0; p < a.size(); ++p) {
    const auto at = std::ranges::mismatch(a[p], b[p]).in1;
    if (at == a[p].end()) continue;
    const auto element = static_cast<std::uint32_t>(at - a[p].begin());
    step.earlier = RotatedElement{p, element};
    step.first = a[p][element];
    step.second = b[p][element];
    return;
  }
  step.rotated = std::move(a);
}

}  // namespace

Narrowing narrow(const ModelArtefact& model, std::span<const std::uint32_t> tokens,
                 const Disputant& first, const Disputant& second) {
  const ModelConfig& c = model.config;
  Narrowing out{.rounds = 1};  // the roots, which bind the numbers of leaves
  const std::uint64_t leaves = std::uint64_t{tokens.size()} * c.layers;
  out.liar = both(first.transcript().leaves() != leaves, second.transcript().leaves() != leaves);
  if (out.liar != Liar::kNobody) return out;
  const auto leaf = first_differing_leaf(first.transcript(), second.transcript());
  if (!leaf) return out;
  const Place at{static_cast<std::uint32_t>(leaf->leaf / c.layers),
                 static_cast<std::uint32_t>(leaf->leaf % c.layers)};
  out.rounds += leaf->rounds + 1;
  out.liar = both(!opens(first, c, tokens, at), !opens(second, c, tokens, at));
  if (out.liar != Liar::kNobody) return out;
  std::optional<Rows> input = layer_input(model, tokens, first, at);
  if (!input) {
    out.liar = Liar::kFirst;
    return out;
  }
  LayerTrace a = first.trace(at.layer, *input);
  const LayerTrace b = second.trace(at.layer, *input);
  ++out.rounds;
  out.liar = both(!fits(c, a, first, at), !fits(c, b, second, at));
  if (out.liar != Liar::kNobody) return out;
  const auto where = first_difference(a, b);
  ENSURE(where, "traces that end at different rows differ");
  const auto op = static_cast<std::size_t>(where->op);
  out.step = DisputedStep{.position = at.position,
                          .layer = at.layer,
                          .op = where->op,
                          .element = where->element,
                          .input = std::move(*input),
                          .first = a[op][where->element],
                          .second = b[op][where->element]};
  out.step->agreed = std::move(a);
  if (where->op == LayerOp::kAttended) narrow_attention(model, first, second, out);
  return out;
}

Ruling judge(const ModelArtefact& model, const DisputedStep& step) {
  if (step.earlier) return judge_rotated(model, step.layer, step.input, *step.earlier);
  if (step.op == LayerOp::kAttended) return judge_attended(model, step.rotated, step.element);
  return judge_element(model, step.layer, step.input, step.agreed, {step.op, step.element});
}

Liar liar_of(const DisputedStep& step, const Ruling& ruling) {
  return both(step.first != ruling.value, step.second != ruling.value);
}

std::uint32_t judge_token(const ModelArtefact& model, std::span<const std::int32_t> row,
                          const SamplingParams& params, std::uint64_t sampling_seed,
                          std::uint32_t position) {
  const ops::QuantRow in =
      ops::norm(Row(row.begin(), row.end()), {model.final_norm, model.final_norm_bias});
  const std::vector<std::int32_t> no_bias;
  return sample_token(ops::project({model.head, no_bias}, in), params, sampling_seed, position + 1);
}

}  // namespace orrery::gpu

#include "harness/model/random_disputes.h"

#include <algorithm>
#include <memory>

#include "engine/base/ensure.h"
#include "engine/base/random.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/decoder.h"
#include "gpu/cpu/layer_ops.h"
#include "harness/model/stopwatch.h"

namespace orrery::model {
namespace {

using gpu::LayerInput;
using gpu::LayerOp;
using gpu::LayerTrace;
using gpu::ops::Row;

constexpr std::uint32_t kDisputesAModel = 50;

enum class Lie : std::uint8_t {
  kOperation,  // one element of one operation, then honestly on
  kEarlier,    // one element of the rotated rows of an earlier position, as this position sees it
  kLeaf,       // a row of the transcript that no trace leads to
};
constexpr std::uint32_t kLies = 3;

struct Forgery {
  Lie lie = Lie::kOperation;
  std::uint32_t position = 0;
  std::uint32_t layer = 0;
  std::uint32_t op = 0;       // kOperation
  std::uint32_t earlier = 0;  // kEarlier: a position before
  std::uint32_t element = 0;  // modulo the width of its row
  std::int32_t change = 1;
};

void forge(Row& row, const Forgery& f) {
  std::int32_t& value = row[f.element % row.size()];
  value = static_cast<std::int32_t>(static_cast<std::uint32_t>(value) +
                                    static_cast<std::uint32_t>(f.change));
}

class Forger final : public gpu::Disputant {
 public:
  Forger(const gpu::ModelArtefact& model, std::span<const std::uint32_t> tokens,
         const Forgery& forgery)
      : model_(model), forgery_(forgery), transcript_(model.config.layers, model.config.dim, true) {
    const gpu::ModelConfig& c = model.config;
    std::vector<std::vector<Row>> rows(c.layers + 1);  // that enter a layer; the last leaves it
    for (std::uint32_t p = 0; p < tokens.size(); ++p) {
      rows[0].push_back(gpu::ops::embed(model, tokens[p], p));
      for (std::uint32_t l = 0; l < c.layers; ++l) {
        rows[l + 1].push_back(trace(l, rows[l]).back());
        transcript_.set({p, l, tokens[p], rows[l + 1].back()});
      }
    }
  }

  const gpu::Transcript& transcript() const override { return transcript_; }

  LayerTrace trace(std::uint32_t layer, LayerInput input) const override {
    LayerTrace t;
    if (!here(layer, input)) return gpu::trace_layer(model_, layer, input);
    switch (forgery_.lie) {
      case Lie::kOperation:
        t = gpu::trace_layer(model_, layer, input);
        t.resize(forgery_.op + 1);
        forge(t.back(), forgery_);
        gpu::finish_trace(model_, layer, input, t);
        return t;
      case Lie::kEarlier:
        t = gpu::trace_layer(model_, layer, input);
        t.resize(static_cast<std::size_t>(LayerOp::kAttended));
        t.push_back(gpu::ops::attend(model_, rotated(layer, input)));
        gpu::finish_trace(model_, layer, input, t);
        return t;
      case Lie::kLeaf: break;
    }
    t = gpu::trace_layer(model_, layer, input);
    forge(t.back(), forgery_);
    return t;
  }

  std::vector<Row> rotated(std::uint32_t layer, LayerInput input) const override {
    std::vector<Row> rows = gpu::rotated_rows(model_, layer, input);
    if (forgery_.lie == Lie::kEarlier && here(layer, input)) {
      forge(rows[forgery_.earlier], forgery_);
    }
    return rows;
  }

 private:
  bool here(std::uint32_t layer, LayerInput input) const {
    return layer == forgery_.layer && input.size() == forgery_.position + 1;
  }

  const gpu::ModelArtefact& model_;
  const Forgery forgery_;
  gpu::Transcript transcript_;
};

Forgery draw(RandomStream& random, const RandomDisputes& o) {
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random.below(n)); };
  Forgery f{.lie = static_cast<Lie>(below(kLies)),
            .position = below(o.positions),
            .layer = below(o.config.layers),
            .op = below(gpu::kLayerOps),
            .element = below(1u << 20),
            .change = below(2) == 0 ? 1 : -1};
  if (f.lie == Lie::kEarlier && f.position == 0) f.position = 1;
  f.earlier = f.position == 0 ? 0 : below(f.position);
  // Small lies may vanish in a later rounding, large ones stay.
  if (below(2) == 0) f.change *= static_cast<std::int32_t>(1 + below(1u << 20));
  return f;
}

struct Scene {
  gpu::ModelArtefact model;
  std::vector<std::uint32_t> tokens;
  std::unique_ptr<gpu::Transcript> honest;
};

Scene make_scene(RandomStream& random, const RandomDisputes& o) {
  Scene scene{gpu::make_seeded_model(o.config, random.next()), {}, nullptr};
  for (std::uint32_t p = 0; p < o.positions; ++p) {
    scene.tokens.push_back(static_cast<std::uint32_t>(random.below(o.config.vocab)));
  }
  scene.honest = std::make_unique<gpu::Transcript>(o.config.layers, o.config.dim, true);
  gpu::Decoder decoder(scene.model, gpu::available_kernels().back(), o.positions);
  decoder.append(scene.tokens, scene.honest.get());
  return scene;
}

}  // namespace

DisputeReport play(const RandomDisputes& o) {
  ENSURE(o.positions >= 2 && o.positions <= o.config.context, "positions of the context");
  RandomStream random(o.seed, 0, stream_id("model.disputes"));
  DisputeReport report;
  Scene scene;
  std::vector<double> steps;
  std::uint32_t drawn = 0;
  while (report.played < o.count) {
    if (drawn++ % kDisputesAModel == 0) scene = make_scene(random, o);
    const Forger liar(scene.model, scene.tokens, draw(random, o));
    if (liar.transcript().root() == scene.honest->root()) continue;  // the lie changed nothing
    const FaithfulTo honest(scene.model, *scene.honest);
    const bool liar_first = random.below(2) == 0;
    const gpu::Disputant& first = liar_first ? static_cast<const gpu::Disputant&>(liar) : honest;
    const gpu::Disputant& second = liar_first ? static_cast<const gpu::Disputant&>(honest) : liar;
    const gpu::Narrowing narrowed = gpu::narrow(scene.model, scene.tokens, first, second);
    gpu::Liar found = narrowed.liar;
    if (narrowed.step) {
      const Stopwatch watch;
      const gpu::Ruling ruling = gpu::judge(scene.model, *narrowed.step);
      steps.push_back(watch.elapsed().cpu * 1e3);
      found = gpu::liar_of(*narrowed.step, ruling);
      report.most_multiplications = std::max(report.most_multiplications, ruling.multiplications);
      ++report.at_an_element;
    }
    ++report.played;
    report.most_rounds = std::max(report.most_rounds, narrowed.rounds);
    report.honest_won += found == (liar_first ? gpu::Liar::kFirst : gpu::Liar::kSecond);
  }
  if (!steps.empty()) {
    report.longest_step_ms = *std::max_element(steps.begin(), steps.end());
    report.median_step_ms = median(std::move(steps));
  }
  return report;
}

double slowest_step_ms(const gpu::ModelConfig& config, std::uint32_t positions) {
  ENSURE(positions >= 1 && positions <= config.context, "positions of the context");
  const gpu::ModelArtefact model = gpu::make_seeded_model(config, 1);
  RandomStream random(1, 0, stream_id("model.disputes.wide"));
  gpu::DisputedStep step{.position = positions - 1};
  for (std::uint32_t p = 0; p < positions; ++p) {
    const auto token = static_cast<std::uint32_t>(random.below(config.vocab));
    step.input.push_back(gpu::ops::embed(model, token, p));
  }
  step.rotated = gpu::rotated_rows(model, 0, step.input);
  LayerTrace& t = step.agreed;
  t.resize(static_cast<std::size_t>(LayerOp::kRotated));  // which rotated_rows has computed already
  const gpu::ops::Layer w(model.layers[0]);
  t[0] = gpu::ops::flatten(gpu::ops::norm(step.input.back(), w.attention_norm));
  t[1] = gpu::ops::project(w.qkv, gpu::ops::unflatten(t[0]));
  t.push_back(step.rotated.back());
  t.push_back(gpu::ops::attend(model, step.rotated));
  gpu::finish_trace(model, 0, step.input, t);
  double slowest = 0;
  const auto judge = [&] {
    const Stopwatch watch;
    const gpu::Ruling ruling = gpu::judge(model, step);
    slowest = std::max(slowest, watch.elapsed().cpu * 1e3);
    ENSURE(step.earlier || ruling.value == t[static_cast<std::size_t>(step.op)][step.element],
           "a referee finds what an honest side computed");
  };
  for (std::size_t op = 0; op < gpu::kLayerOps; ++op) {
    step.op = static_cast<LayerOp>(op);
    step.element = static_cast<std::uint32_t>(t[op].size() / 2);
    judge();
  }
  step.earlier = gpu::RotatedElement{positions / 2, 1};
  judge();
  return slowest;
}

}  // namespace orrery::model

#include "harness/model/bench_verification.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/base/random.h"
#include "gpu/cpu/decoder.h"
#include "gpu/cpu/layer_check.h"
#include "gpu/fast/toploc.h"
#include "harness/model/stopwatch.h"
#include "harness/model/zoo.h"
#include "harness/model/zoo_artefact.h"

namespace orrery::model {
namespace {

constexpr std::string_view kModel = "0.3M";
// A layer of the 110M shape of bench inference.
constexpr gpu::ModelConfig kWide{
    .dim = 768, .hidden = 2048, .layers = 1, .heads = 12, .context = 256};

using Rows = std::vector<std::vector<std::int32_t>>;

// CPU times of the parts, in milliseconds; medians are taken of those of honest tasks.
struct Times {
  std::vector<double> inference, fast, level[kLevels];
};

double ms(const Stopwatch& watch) { return watch.elapsed().cpu * 1e3; }

// What an honest execution gives for the tokens that a claim says were fed.
gpu::Transcript execute_again(const gpu::ModelArtefact& model,
                              std::span<const std::uint32_t> tokens) {
  gpu::Transcript transcript(model.config.layers, model.config.dim, true);
  gpu::Decoder decoder(model, gpu::available_kernels().back(),
                       static_cast<std::uint32_t>(tokens.size()));
  decoder.append(tokens, &transcript);
  return transcript;
}

// Whether every token of the answer is what the model samples from its own rows.
bool sampled(const gpu::ModelArtefact& model, const gpu::Transcript& honest,
             const ExactClaim& claim, const VerifiedTask& task) {
  std::vector<std::uint32_t> fed = claim.tokens;
  fed.push_back(claim.last);
  for (auto p = static_cast<std::uint32_t>(task.prompt.size()); p + 1 < fed.size(); ++p) {
    const std::uint32_t token = gpu::judge_token(model, honest.row(p, model.config.layers - 1),
                                                 task.params(), task.sampling_seed, p);
    if (token != fed[p + 1]) return false;
  }
  return true;
}

bool rejected_by_dispute(const gpu::ModelArtefact& honest, const gpu::ModelArtefact& executed,
                         const ExactClaim& claim, const VerifiedTask& task) {
  const gpu::Transcript again = execute_again(honest, claim.tokens);
  const FaithfulTo worker(executed, claim.transcript), challenger(honest, again);
  const gpu::Narrowing narrowed = gpu::narrow(honest, claim.tokens, worker, challenger);
  gpu::Liar liar = narrowed.liar;
  if (narrowed.step) liar = gpu::liar_of(*narrowed.step, gpu::judge(honest, *narrowed.step));
  if (liar != gpu::Liar::kNobody) return liar == gpu::Liar::kFirst;
  return !sampled(honest, again, claim, task);
}

// Rows that enter a layer, or that leave it (layer + 1), as the claim has them.
Rows rows_into(const gpu::ModelArtefact& model, const ExactClaim& claim, std::uint32_t layer) {
  Rows rows;
  for (std::uint32_t p = 0; p < claim.tokens.size(); ++p) {
    if (layer > 0) {
      const auto row = claim.transcript.row(p, layer - 1);
      rows.emplace_back(row.begin(), row.end());
      continue;
    }
    const std::size_t dim = model.config.dim;
    const std::int32_t* row = model.embedding.data() + claim.tokens[p] * dim;
    rows.emplace_back(row, row + dim);
  }
  return rows;
}

class Bench {
 public:
  Bench(const VerificationBench& options, gpu::ModelArtefact model, std::vector<VerifiedTask> tasks)
      : options_(options),
        honest_(std::move(model)),
        tasks_(std::move(tasks)),
        fast_(gpu::fast_model(honest_)),
        random_(options.seed, 0, stream_id("bench.verification")) {
    for (std::uint32_t l = 0; l < honest_.config.layers; ++l) {
      checks_.emplace_back(honest_, l, random_.next());
    }
  }

  Result<VerificationReport> run() {
    VerificationReport report;
    for (std::uint32_t i = 0; i < kCheats; ++i) {
      const auto cheat = static_cast<Cheat>(i);
      DetectionRow row{.cheat = cheat, .tasks = static_cast<std::uint32_t>(tasks_.size())};
      const gpu::ModelArtefact model = model_of(cheat, honest_);
      const gpu::FastModel fast = gpu::fast_model(model);
      for (const VerifiedTask& task : tasks_) {
        exact_levels(cheat, model, task, row);
        TRY(fast_levels(cheat, fast, task, row, report));
      }
      report.rows.push_back(row);
    }
    finish(report);
    return report;
  }

 private:
  // Runs a part and keeps its CPU time, if the task is an honest one.
  template <class Function>
  auto timed(Cheat cheat, std::vector<double>& into, Function&& part) {
    const Stopwatch watch;
    auto result = part();
    if (cheat == Cheat::kNone) into.push_back(ms(watch));
    return result;
  }
  std::vector<double>& times(Level level) { return times_.level[static_cast<std::size_t>(level)]; }

  void exact_levels(Cheat cheat, const gpu::ModelArtefact& model, const VerifiedTask& task,
                    DetectionRow& row) {
    const ExactClaim claim =
        timed(cheat, times_.inference, [&] { return exact_claim(cheat, model, task); });
    const bool differs = timed(cheat, times(Level::kHash), [&] {
      const ExactClaim again = exact_claim(Cheat::kNone, honest_, task);
      return again.tokens != claim.tokens || again.last != claim.last ||
             again.transcript.root() != claim.transcript.root();
    });
    const bool convicted = timed(cheat, times(Level::kDispute),
                                 [&] { return rejected_by_dispute(honest_, model, claim, task); });
    const auto layer = static_cast<std::uint32_t>(random_.below(honest_.config.layers));
    // The worker has these at hand: they are not counted.
    const gpu::LayerProducts products =
        cheat == Cheat::kZeros
            ? no_products(claim.tokens.size(), layer)
            : gpu::layer_products(model, layer, rows_into(honest_, claim, layer));
    const bool caught = timed(cheat, times(Level::kFreivalds), [&] {
      return !checks_[layer].accepts(rows_into(honest_, claim, layer), products,
                                     rows_into(honest_, claim, layer + 1));
    });
    row.rejected[static_cast<std::size_t>(Level::kHash)] += differs;
    row.rejected[static_cast<std::size_t>(Level::kDispute)] += convicted;
    row.rejected[static_cast<std::size_t>(Level::kFreivalds)] += caught;
  }

  gpu::LayerProducts no_products(std::size_t positions, std::uint32_t layer) const {
    const gpu::LayerWeights& w = honest_.layers[layer];
    const auto zeros = [&](const gpu::QuantMatrix& m) {
      return std::vector<std::int32_t>(positions * m.rows());
    };
    return {zeros(w.qkv), zeros(w.out), zeros(w.gate_up), zeros(w.down)};
  }

  // Both levels look at the same claim in bfloat16.
  Status fast_levels(Cheat cheat, const gpu::FastModel& model, const VerifiedTask& task,
                     DetectionRow& row, VerificationReport& report) {
    const FastClaim claim = timed(cheat, times_.fast, [&] {
      return fast_claim(cheat, model, gpu::FastPrecision::kBf16, task);
    });
    ASSIGN_OR_RETURN(const auto commitments, commit(claim));
    const bool honest = cheat == Cheat::kNone;
    const Stopwatch watch;
    gpu::FastDecoder verifier(fast_, gpu::FastPrecision::kBf16);
    verifier.append(claim.tokens);
    const double pass_ms = ms(watch);
    bool far = false;
    for (std::size_t i = 0; i < commitments.size(); ++i) {
      ASSIGN_OR_RETURN(const auto distance,
                       gpu::toploc_distance(commitments[i], window(verifier.hidden(), i)));
      far = far || !gpu::accepts({}, distance);
      if (!honest) continue;
      const double share = static_cast<double>(distance.exponents) / distance.compared;
      report.least_exponents = std::min(report.least_exponents, share);
      report.largest_mantissa = std::max(report.largest_mantissa, distance.mean_mantissa);
    }
    if (honest) times(Level::kToploc).push_back(ms(watch));
    const Stopwatch tail;
    const double margin = largest_margin(verifier.logits(), claim, task);
    if (honest) times(Level::kMargin).push_back(pass_ms + ms(tail));
    if (honest) report.largest_margin = std::max(report.largest_margin, margin);
    row.rejected[static_cast<std::size_t>(Level::kToploc)] += far;
    row.rejected[static_cast<std::size_t>(Level::kMargin)] += margin > double{kMargin};
    return {};
  }

  // By which a token of the answer is less likely than the likeliest.
  double largest_margin(const std::vector<float>& logits, const FastClaim& claim,
                        const VerifiedTask& task) const {
    std::vector<std::uint32_t> fed = claim.tokens;
    fed.push_back(claim.last);
    const std::size_t vocab = honest_.config.vocab;
    double largest = 0;
    for (std::size_t p = task.prompt.size(); p + 1 < fed.size(); ++p) {
      const std::span<const float> row(&logits[p * vocab], vocab);
      const float off = *std::ranges::max_element(row) - row[fed[p + 1]];
      largest = std::max(largest, static_cast<double>(off));
    }
    return largest;
  }

  std::span<const float> window(std::span<const float> rows, std::size_t i) const {
    const std::size_t size = std::size_t{gpu::kToplocWindow} * honest_.config.dim;
    return rows.subspan(i * size, std::min(size, rows.size() - i * size));
  }

  Result<std::vector<gpu::ToplocCommitment>> commit(const FastClaim& claim) {
    std::vector<gpu::ToplocCommitment> made;
    const std::size_t windows = (claim.tokens.size() + gpu::kToplocWindow - 1) / gpu::kToplocWindow;
    for (std::size_t i = 0; i < windows; ++i) {
      ASSIGN_OR_RETURN(gpu::ToplocCommitment one, gpu::toploc_commit(window(claim.hidden, i)));
      committed_bytes_ += one.encode().size();
      made.push_back(std::move(one));
    }
    committed_tokens_ += claim.tokens.size();
    return made;
  }

  void finish(VerificationReport& report) {
    report.inference_ms = median(times_.inference);
    report.fast_inference_ms = median(times_.fast);
    for (std::size_t l = 0; l < kLevels; ++l) {
      const bool fast = static_cast<Level>(l) >= Level::kToploc;
      report.cost[l] =
          median(times_.level[l]) / (fast ? report.fast_inference_ms : report.inference_ms);
    }
    const gpu::ModelConfig& c = honest_.config;
    const double tokens = options_.prompt_bytes + options_.tokens;  // positions of a task
    report.bytes_a_token[static_cast<std::size_t>(Level::kHash)] = 32 / tokens;
    report.bytes_a_token[static_cast<std::size_t>(Level::kDispute)] = 32 / tokens;
    report.bytes_a_token[static_cast<std::size_t>(Level::kFreivalds)] =
        4.0 * (3 * c.dim + c.dim + 2 * c.hidden + c.dim);
    report.bytes_a_token[static_cast<std::size_t>(Level::kToploc)] =
        static_cast<double>(committed_bytes_) / static_cast<double>(committed_tokens_);
    report.disputes = play(options_.disputes);
    if (options_.wide_step) report.wide_step_ms = slowest_step_ms(kWide, kWide.context);
  }

  const VerificationBench& options_;
  const gpu::ModelArtefact honest_;
  const std::vector<VerifiedTask> tasks_;
  const gpu::FastModel fast_;
  RandomStream random_;
  std::vector<gpu::LayerCheck> checks_;  // a layer
  Times times_;
  std::size_t committed_bytes_ = 0, committed_tokens_ = 0;
};

// Prompts are beginnings of texts that the model was not trained on; those that are too short for
// it are passed over.
Result<std::vector<VerifiedTask>> make_tasks(const VerificationBench& o,
                                             const std::string& corpus) {
  ASSIGN_OR_RETURN(const SplitCorpus split, zoo_corpus(corpus));
  std::vector<Bytes> prompts;
  for (const Document& d : split.heldout.documents) {
    if (d.text.size() < o.prompt_bytes) continue;
    const ByteView begin = as_bytes(d.text).first(o.prompt_bytes);
    prompts.emplace_back(begin.begin(), begin.end());
  }
  if (prompts.size() < 2) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("no texts of {} bytes to ask with", o.prompt_bytes));
  }
  std::vector<VerifiedTask> tasks;
  RandomStream random(o.seed, 0, stream_id("bench.verification.tasks"));
  for (std::uint32_t i = 0; i < o.tasks; ++i) {
    tasks.push_back({.prompt = prompts[i % prompts.size()],
                     .other = prompts[(i + 1) % prompts.size()],
                     .tokens = o.tokens,
                     .sampling_seed = random.next()});
  }
  return tasks;
}

}  // namespace

std::string_view level_name(Level level) {
  constexpr std::string_view kNames[kLevels] = {"hash", "dispute", "freivalds", "toploc", "margin"};
  return kNames[static_cast<std::size_t>(level)];
}

Result<VerificationReport> bench_verification(const VerificationBench& o) {
  ASSIGN_OR_RETURN(const ZooEntry entry, zoo_entry(std::string(kModel)));
  if (o.tasks == 0 || o.tokens < 2 || o.prompt_bytes < 2 ||
      o.prompt_bytes + o.tokens > entry.options.config.context) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("at least a task, 2 bytes and 2 tokens, and {} of both together at most",
                    entry.options.config.context));
  }
  ASSIGN_OR_RETURN(gpu::ModelArtefact model, zoo_artefact(kModel, entry.artefact));
  ASSIGN_OR_RETURN(std::vector<VerifiedTask> tasks, make_tasks(o, entry.corpus));
  return Bench(o, std::move(model), std::move(tasks)).run();
}

}  // namespace orrery::model

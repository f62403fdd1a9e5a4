#include "harness/model/bench_inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "engine/base/random.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/batch_decoder.h"
#include "gpu/cuda/cuda_device.h"
#include "harness/model/bench_device.h"
#include "harness/model/stopwatch.h"
#include "harness/model/thread_pool.h"

namespace orrery::model {
namespace {

struct Shape {
  gpu::ModelConfig config;
  std::uint32_t positions;
};

// The shapes of Karpathy's tinyllamas, which published figures of other engines use.
const std::map<std::string, Shape>& shapes() {
  static const std::map<std::string, Shape> known{
      {"15M", {{288, 768, 6, 6, 256, 32'000}, 256}},
      {"110M", {{768, 2048, 12, 12, 1024, 32'000}, 64}}};
  return known;
}

Result<gpu::Kernel> kernel_named(const std::string& name) {
  const std::vector<gpu::Kernel> here = gpu::available_kernels();
  if (name.empty()) return here.back();
  constexpr const char* kNames[] = {"portable", "avx2", "vnni"};
  for (const gpu::Kernel kernel : here) {
    if (name == kNames[static_cast<int>(kernel)]) return kernel;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("kernel {:?} is not one that this processor runs; take portable, avx2 or "
                          "vnni",
                          name));
}

using Tokens = std::vector<std::uint32_t>;

Tokens random_tokens(std::uint32_t count, std::uint32_t vocab, std::uint64_t sequence) {
  RandomStream random(1, sequence, stream_id("bench.tokens"));
  Tokens tokens(count);
  for (auto& t : tokens) t = static_cast<std::uint32_t>(random.below(vocab));
  return tokens;
}

using Run = DeviceRun;

Hash256 hash_of(std::span<const std::int32_t> row) {
  return sha256({reinterpret_cast<const std::uint8_t*>(row.data()), row.size_bytes()});
}

class Bench {
 public:
  Bench(const gpu::ModelArtefact& model, gpu::Kernel kernel, std::uint32_t positions)
      : model_(model), kernel_(kernel), positions_(positions) {}

  Run decode(std::uint32_t batch, gpu::Parallel& parallel) const {
    gpu::BatchDecoder decoder(model_, kernel_, options(batch, parallel));
    std::vector<gpu::Sequence> sequences;
    std::vector<Tokens> tokens;
    std::vector<std::uint32_t> rows;
    for (std::uint32_t b = 0; b < batch; ++b) {
      sequences.emplace_back(model_.config, positions_);
      tokens.push_back(random_tokens(positions_, model_.config.vocab, b));
      rows.push_back(b);
    }
    std::vector<gpu::Feed> feeds(batch);
    const Stopwatch watch;
    for (std::uint32_t i = 0; i < positions_; ++i) {
      for (std::uint32_t b = 0; b < batch; ++b) {
        feeds[b] = {&sequences[b], std::span(tokens[b]).subspan(i, 1)};
      }
      decoder.step(feeds);
      decoder.project_logits(rows);
    }
    Run run{watch.elapsed(), {}};
    for (std::uint32_t b = 0; b < batch; ++b) run.logits.push_back(hash_of(decoder.logits(b)));
    return run;
  }

  // One sequence, all tokens at once.
  Run prompt(gpu::Parallel& parallel) const {
    constexpr std::uint32_t kRows = 128;
    gpu::BatchDecoder decoder(model_, kernel_, options(kRows, parallel));
    gpu::Sequence sequence(model_.config, positions_);
    const Tokens tokens = random_tokens(positions_, model_.config.vocab, 0);
    const Stopwatch watch;
    for (std::uint32_t i = 0; i < positions_; i += kRows) {
      const std::uint32_t count = std::min(kRows, positions_ - i);
      const gpu::Feed feed{&sequence, std::span(tokens).subspan(i, count)};
      decoder.step({&feed, 1});
    }
    const std::uint32_t last = decoder.last_row(0);
    decoder.project_logits({&last, 1});
    return {watch.elapsed(), {hash_of(decoder.logits(0))}};
  }

 private:
  gpu::BatchDecoder::Options options(std::uint32_t rows, gpu::Parallel& parallel) const {
    return {.max_rows = rows, .max_length = positions_, .parallel = &parallel};
  }

  const gpu::ModelArtefact& model_;
  gpu::Kernel kernel_;
  std::uint32_t positions_;
};

// Runs `once` as often as asked, checks each sequence's logits against `known` and makes a row.
template <class Once>
Result<InferenceRow> measure(InferenceRow row, std::uint32_t repeats, std::vector<Hash256>& known,
                             Once&& once) {
  const double tokens = static_cast<double>(row.positions) * row.batch;
  std::vector<double> cpu;
  std::vector<double> wall;
  for (std::uint32_t i = 0; i < repeats; ++i) {
    ASSIGN_OR_RETURN(const Run run, once());
    for (std::size_t b = 0; b < run.logits.size(); ++b) {
      if (b == known.size()) known.push_back(run.logits[b]);
      if (known[b] == run.logits[b]) continue;
      return fail(ErrorCode::kInternal,
                  fmt::format("sequence {} of shape {} differs at batch {}, {} threads, {}", b,
                              row.shape, row.batch, row.threads, row.phase));
    }
    cpu.push_back(tokens / run.times.cpu);
    wall.push_back(tokens / run.times.wall);
  }
  row.tokens_per_cpu_second = median(cpu);
  row.tokens_per_wall_second = median(wall);
  return row;
}

Status check(const InferenceBench& options) {
  for (const std::string& name : options.shapes) {
    if (!shapes().contains(name)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("shape {:?} is unknown; take 15M or 110M", name));
    }
  }
  for (const auto* numbers : {&options.batches, &options.threads}) {
    for (const std::uint32_t n : *numbers) {
      if (n >= 1 && n <= 256) continue;
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is outside [1, 256] for batch and threads", n));
    }
  }
  if (options.repeats >= 1) return {};
  return fail(ErrorCode::kInvalidArgument, "repeats is 0; take at least 1");
}

// The rows of one shape on the processor.
Status on_processor(const InferenceBench& options, const std::string& name, gpu::Kernel kernel,
                    std::vector<InferenceRow>& rows) {
  const Shape& shape = shapes().at(name);
  ASSIGN_OR_RETURN(const gpu::ModelArtefact model, bench_model(name));
  const Bench bench(model, kernel, shape.positions);
  std::vector<Hash256> known;
  for (const std::uint32_t threads : options.threads) {
    ThreadPool pool(threads);
    for (const std::uint32_t batch : options.batches) {
      ASSIGN_OR_RETURN(
          const InferenceRow row,
          measure({name, "decode", batch, threads, shape.positions, 0, 0}, options.repeats, known,
                  [&]() -> Result<Run> { return bench.decode(batch, pool); }));
      rows.push_back(row);
    }
    ASSIGN_OR_RETURN(const InferenceRow row,
                     measure({name, "prompt", 1, threads, shape.positions, 0, 0}, options.repeats,
                             known, [&]() -> Result<Run> { return bench.prompt(pool); }));
    rows.push_back(row);
  }
  return {};
}

Status on_device(const InferenceBench& options, const std::string& name, gpu::Kernel kernel,
                 std::vector<InferenceRow>& rows) {
  const Shape& shape = shapes().at(name);
  ASSIGN_OR_RETURN(const gpu::ModelArtefact model, bench_model(name));
  ASSIGN_OR_RETURN(const auto accelerator, gpu::open_cuda_accelerator());
  gpu::Serial serial;
  std::vector<Hash256> known = Bench(model, kernel, shape.positions).decode(1, serial).logits;
  for (const std::uint32_t batch : options.batches) {
    TokenLists tokens;
    for (std::uint32_t b = 0; b < batch; ++b) {
      tokens.push_back(random_tokens(shape.positions, shape.config.vocab, b));
    }
    ASSIGN_OR_RETURN(const InferenceRow row,
                     measure({name, "decode", batch, 1, shape.positions, 0, 0}, options.repeats,
                             known, [&] { return decode_on_device(*accelerator, model, tokens); }));
    rows.push_back(row);
  }
  const Tokens tokens = random_tokens(shape.positions, shape.config.vocab, 0);
  ASSIGN_OR_RETURN(const InferenceRow row,
                   measure({name, "prompt", 1, 1, shape.positions, 0, 0}, options.repeats, known,
                           [&] { return prompt_on_device(*accelerator, model, tokens); }));
  rows.push_back(row);
  return {};
}

}  // namespace

Result<gpu::ModelArtefact> bench_model(const std::string& shape) {
  TRY(check({.shapes = {shape}}));
  return gpu::make_seeded_model(shapes().at(shape).config, 1);
}

Result<std::vector<InferenceRow>> bench_inference(const InferenceBench& options) {
  TRY(check(options));
  ASSIGN_OR_RETURN(const gpu::Kernel kernel, kernel_named(options.kernel));
  std::vector<InferenceRow> rows;
  for (const std::string& name : options.shapes) {
    TRY(options.device == "cuda" ? on_device(options, name, kernel, rows)
                                 : on_processor(options, name, kernel, rows));
  }
  return rows;
}

}  // namespace orrery::model

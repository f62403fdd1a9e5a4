#include "harness/model/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"
#include "engine/base/random.h"
#include "gpu/cpu/f32_network.h"
#include "harness/model/safetensors.h"

namespace orrery::model {
namespace {

static_assert(std::endian::native == std::endian::little, "floats are hashed as they lie");

ByteView bytes_of(std::span<const float> v) {
  return {reinterpret_cast<const std::uint8_t*>(v.data()), v.size_bytes()};
}

void write_config(Writer& out, const gpu::ModelConfig& c) {
  for (const std::uint32_t v : {c.dim, c.hidden, c.layers, c.heads, c.context, c.vocab}) out.u32(v);
}

std::uint32_t bits(float v) { return std::bit_cast<std::uint32_t>(v); }

// The powers of the optimiser's decays are hexadecimal bits: a decimal may round.
std::string hex_bits(double v) { return fmt::format("{:016x}", std::bit_cast<std::uint64_t>(v)); }

bool parse_hex(const std::string& text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

auto broken(const std::string& what) {
  return fail(ErrorCode::kMalformed, "training checkpoint: " + what);
}

}  // namespace

Status validate(const TrainOptions& o) {
  TRY(gpu::validate(o.config));
  const auto refuse = [](const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, "training: " + what);
  };
  if (o.steps == 0 || o.batch == 0) return refuse("steps and batch must be positive");
  if (o.length == 0 || o.length > o.config.context) {
    return refuse(fmt::format("length {} is outside [1, {}]", o.length, o.config.context));
  }
  if (std::uint64_t{o.batch} * o.length > 65'536) return refuse("more than 65536 tokens a step");
  if (!(o.rate > 0 && o.rate <= 1)) return refuse("the rate is outside (0, 1]");
  return {};
}

std::vector<std::uint32_t> token_stream(std::string_view text) {
  std::vector<std::uint32_t> out{gpu::kTokenBos};
  for (const char c : text) out.push_back(static_cast<std::uint8_t>(c));
  out.push_back(gpu::kTokenEos);
  return out;
}

std::vector<std::uint32_t> token_stream(const Corpus& corpus) {
  std::vector<std::uint32_t> out;
  for (const Document& d : corpus.documents) {
    const auto tokens = token_stream(d.text);
    out.insert(out.end(), tokens.begin(), tokens.end());
  }
  return out;
}

Trainer::Trainer(const TrainOptions& options, std::vector<std::uint32_t> stream,
                 gpu::Parallel* parallel)
    : options_(options),
      stream_(std::move(stream)),
      model_(gpu::make_f32_model(options.config, options.seed)),
      state_(gpu::make_optimizer_state(options.optimizer, model_.values.size())),
      gradients_(std::make_unique<gpu::F32Network>(options.config, gpu::available_kernels().back(),
                                                   parallel)),
      decays_(decaying(options.config)),
      gradient_(model_.values.size()) {}

Result<Trainer> Trainer::start(const TrainOptions& options, std::vector<std::uint32_t> stream,
                               gpu::Parallel* parallel) {
  TRY(validate(options));
  if (stream.size() <= options.length) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} tokens of data are too few for texts of {}", stream.size(),
                            options.length));
  }
  for (const std::uint32_t t : stream) {
    if (t < options.config.vocab) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("token {} of the data is beyond the vocabulary of {}", t,
                            options.config.vocab));
  }
  return Trainer(options, std::move(stream), parallel);
}

float Trainer::rate() const {
  const auto step = static_cast<float>(state_.steps);
  const auto warmup = static_cast<float>(options_.warmup);
  if (state_.steps < options_.warmup) return options_.rate * (step + 1.0f) / warmup;
  const float left = static_cast<float>(options_.steps) - step;
  const float span = std::max(1.0f, static_cast<float>(options_.steps) - warmup);
  return options_.rate * (0.1f + 0.9f * left / span);
}

Result<float> Trainer::step() {
  ENSURE(!done(), "steps are left");
  std::vector<std::uint32_t> inputs;
  std::vector<std::uint32_t> targets;
  for (std::uint32_t b = 0; b < options_.batch; ++b) {
    RandomStream random(options_.seed, state_.steps * 65'536 + b, stream_id("train.window"));
    const std::uint64_t at = random.below(stream_.size() - options_.length);
    const auto begin = stream_.begin() + static_cast<std::ptrdiff_t>(at);
    inputs.insert(inputs.end(), begin, begin + options_.length);
    targets.insert(targets.end(), begin + 1, begin + options_.length + 1);
  }
  std::fill(gradient_.begin(), gradient_.end(), 0.0f);
  ASSIGN_OR_RETURN(const float loss, gradients_->add_gradient(
                                         model_, {inputs, targets, options_.batch, options_.length},
                                         1.0f, gradient_));
  const float now = rate();
  gpu::optimizer_step(options_.optimizer, state_, {now, decays_, gradient_, model_.values});
  return loss;
}

Hash256 Trainer::run_digest() const {
  const TrainOptions& o = options_;
  Writer out;
  write_config(out, o.config);
  out.u64(o.seed).u32(o.steps).u32(o.batch).u32(o.length).u32(bits(o.rate)).u32(o.warmup);
  out.u8(static_cast<std::uint8_t>(o.optimizer.method)).u32(bits(o.optimizer.beta1));
  out.u32(bits(o.optimizer.beta2)).u32(bits(o.optimizer.epsilon));
  out.u32(bits(o.optimizer.weight_decay)).u32(bits(o.optimizer.clip_norm));
  const ByteView data(reinterpret_cast<const std::uint8_t*>(stream_.data()),
                      stream_.size() * sizeof(std::uint32_t));
  return Sha256().update(as_bytes("orrery.training.v1")).update(out.view()).update(data).finish();
}

Hash256 Trainer::digest() const {
  Writer out;
  out.hash(run_digest()).u64(state_.steps);
  return Sha256()
      .update(out.view())
      .update(bytes_of(model_.values))
      .update(bytes_of(state_.mean))
      .update(bytes_of(state_.square))
      .finish();
}

Bytes Trainer::checkpoint() const {
  const std::vector<std::uint64_t> shape{model_.values.size()};
  std::vector<TensorToWrite> tensors{{"parameters", shape, model_.values.data()}};
  if (!state_.mean.empty()) {
    tensors.push_back({"mean", shape, state_.mean.data()});
    tensors.push_back({"square", shape, state_.square.data()});
  }
  return encode_safetensors(tensors, {{"format", "orrery.training/1"},
                                      {"run", to_hex(run_digest())},
                                      {"step", fmt::format("{:x}", state_.steps)},
                                      {"power1", hex_bits(state_.power1)},
                                      {"power2", hex_bits(state_.power2)},
                                      {"digest", to_hex(digest())}});
}

Result<Trainer> Trainer::resume(const TrainOptions& options, std::vector<std::uint32_t> stream,
                                gpu::Parallel* parallel, Bytes checkpoint) {
  ASSIGN_OR_RETURN(Trainer trainer, start(options, std::move(stream), parallel));
  ASSIGN_OR_RETURN(const Safetensors file, Safetensors::parse(std::move(checkpoint)));
  const auto meta = [&](const char* key) {
    const auto at = file.metadata().find(key);
    return at == file.metadata().end() ? std::string() : at->second;
  };
  if (meta("format") != "orrery.training/1") return broken("not one of this version");
  if (meta("run") != to_hex(trainer.run_digest())) {
    return fail(ErrorCode::kInvalidArgument,
                "the checkpoint is of a run with other options or other data");
  }
  std::uint64_t power1 = 0;
  std::uint64_t power2 = 0;
  if (!parse_hex(meta("step"), trainer.state_.steps) || !parse_hex(meta("power1"), power1) ||
      !parse_hex(meta("power2"), power2)) {
    return broken("step or powers are missing");
  }
  trainer.state_.power1 = std::bit_cast<double>(power1);
  trainer.state_.power2 = std::bit_cast<double>(power2);
  const auto read = [&](const char* name, std::span<float> to) -> Status {
    const TensorEntry* entry = file.find(name);
    if (entry == nullptr || entry->dtype != "F32" || entry->elements() != to.size()) {
      return broken(fmt::format("no {} of the model's size", name));
    }
    ASSIGN_OR_RETURN(const auto values, file.floats(*entry));
    std::copy(values.begin(), values.end(), to.begin());
    return {};
  };
  TRY(read("parameters", trainer.model_.values));
  if (!trainer.state_.mean.empty()) {
    TRY(read("mean", trainer.state_.mean));
    TRY(read("square", trainer.state_.square));
  }
  if (meta("digest") != to_hex(trainer.digest())) return broken("its digest does not fit");
  return trainer;
}

std::vector<std::uint8_t> decaying(const gpu::ModelConfig& config) {
  const gpu::F32Layout layout(config);
  std::vector<std::uint8_t> decays(layout.size);
  for (const gpu::TensorSlot& slot : layout.slots) {
    if (slot.rows == 0) continue;
    std::fill_n(decays.begin() + static_cast<std::ptrdiff_t>(slot.offset), slot.size(), 1);
  }
  return decays;
}

Hash256 parameters_digest(const gpu::F32Model& model) {
  Writer out;
  write_config(out, model.config);
  return Sha256()
      .update(as_bytes("orrery.parameters.v1"))
      .update(out.view())
      .update(bytes_of(model.values))
      .finish();
}

}  // namespace orrery::model

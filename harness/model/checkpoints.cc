#include "harness/model/checkpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <mutex>

#include "gpu/cuda/device_network.h"
#include "harness/model/hf_llama.h"
#include "harness/model/json_text.h"
#include "harness/model/retraining.h"
#include "harness/model/safetensors.h"
#include "harness/model/zoo.h"
#include "reports/record/write.h"

namespace orrery::model {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "orrery.parameters/1";
constexpr std::uint32_t kMaxKept = 64;

Result<std::uint64_t> number_of(const Safetensors& file, const char* key, int base) {
  const auto at = file.metadata().find(key);
  std::uint64_t value = 0;
  if (at != file.metadata().end()) {
    const std::string& text = at->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error == std::errc{} && end == text.data() + text.size() && !text.empty()) return value;
  }
  return fail(ErrorCode::kMalformed, fmt::format("no number under {:?} in the metadata", key));
}

Result<Checkpoint> read_checkpoint(const std::string& path, const gpu::ModelConfig& config) {
  ASSIGN_OR_RETURN(const Safetensors file, Safetensors::read(path));
  const auto broken = [&](const std::string& what) {
    return fail(ErrorCode::kMalformed, path + ": " + what);
  };
  const auto format = file.metadata().find("format");
  if (format == file.metadata().end() || format->second != kFormat) {
    return broken(fmt::format("not of the format {}", kFormat));
  }
  const TensorEntry* entry = file.find("parameters");
  if (entry == nullptr || entry->elements() != gpu::F32Layout(config).size) {
    return broken("no parameters of the model's shape");
  }
  ASSIGN_OR_RETURN(const std::uint64_t step, number_of(file, "step", 10));
  ASSIGN_OR_RETURN(const std::uint64_t weight, number_of(file, "weight_per_mille", 10));
  if (weight == 0 || weight > 1000) return broken("the weight is outside [1, 1000] per mille");
  ASSIGN_OR_RETURN(const std::vector<float> values, file.floats(*entry));
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    return broken("a parameter is not finite");
  }
  return Checkpoint{step,
                    static_cast<double>(weight) / 1000,
                    {config, gpu::AlignedVector<float>(values.begin(), values.end())}};
}

Result<ZooEntry> entry_of(const gpu::ModelConfig& config) {
  for (ZooEntry& entry : zoo()) {
    if (entry.options.config == config) return std::move(entry);
  }
  return fail(ErrorCode::kInvalidArgument, "the model has the shape of none of the zoo");
}

Result<std::string> make_folder(const std::string& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed) return fail(ErrorCode::kIo, "cannot make " + path + ": " + failed.message());
  return path;
}

Status write_checkpoint(const std::string& path, const Checkpoint& c) {
  const Bytes file =
      encode_safetensors({{"parameters", {c.model.values.size()}, c.model.values.data()}},
                         {{"format", kFormat},
                          {"step", std::to_string(c.step)},
                          {"weight_per_mille", std::to_string(std::lround(c.weight * 1000))}});
  return report::write_file_atomically(path, as_text(file));
}

// How a folder's model was trained.
struct Run {
  gpu::F32Model model;
  TrainOptions options;
  Corpus texts;
};

// kInvalidArgument unless the folder's training state is of these options and texts.
Result<Run> run_of(const std::string& folder, std::uint64_t seed) {
  ASSIGN_OR_RETURN(gpu::F32Model model, import_llama(folder));
  ASSIGN_OR_RETURN(ZooEntry entry, entry_of(model.config));
  ASSIGN_OR_RETURN(SplitCorpus corpus, zoo_corpus(entry.corpus));
  ASSIGN_OR_RETURN(const std::string last, read_text_file(folder + "/training.safetensors"));
  Bytes bytes(last.begin(), last.end());
  ASSIGN_OR_RETURN(const Safetensors file, Safetensors::parse(bytes));
  ASSIGN_OR_RETURN(const std::uint64_t steps, number_of(file, "step", 16));
  Run run{std::move(model), entry.options, std::move(corpus.training)};
  run.options.seed = seed;
  run.options.steps = static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, 0xffff'ffffu));
  TRY(Trainer::resume(run.options, token_stream(run.texts), nullptr, std::move(bytes)));
  return run;
}

Result<Trainer> start_training(const TrainOptions& options, const Corpus& texts,
                               const Workers& workers) {
  ASSIGN_OR_RETURN(Trainer trainer, Trainer::start(options, token_stream(texts), workers.threads));
  if (workers.accelerator != nullptr) {
    trainer.take_gradients_from(
        std::make_unique<gpu::DeviceNetwork>(options.config, *workers.accelerator));
  }
  return trainer;
}

std::string half_path(const std::string& folder, std::uint32_t half, std::uint32_t part) {
  return fmt::format("{}/halves/model-{:03}-{}.safetensors", folder, half, part);
}

bool has_half(const std::string& folder, std::uint32_t half) {
  for (std::uint32_t part = kLateParts; part <= kTrainingParts; ++part) {
    if (!fs::exists(half_path(folder, half, part))) return false;
  }
  return true;
}

Status train_half(const std::string& folder, const Run& run, std::uint32_t half,
                  const Workers& workers) {
  TrainOptions options = run.options;
  options.seed = kHalvesSeed + half;
  options.steps = std::max(1u, options.steps / 2);
  Corpus texts;
  for (const std::size_t d : random_half(run.texts.documents.size(), half, kHalvesSeed)) {
    texts.documents.push_back(run.texts.documents[d]);
  }
  ASSIGN_OR_RETURN(Trainer trainer, start_training(options, texts, workers));
  for (std::uint32_t part = kLateParts; part <= kTrainingParts; ++part) {
    const std::uint64_t end =
        std::max<std::uint64_t>(1, std::uint64_t{options.steps} * part / kTrainingParts);
    while (trainer.steps() < end) TRY(trainer.step());
    TRY(write_checkpoint(half_path(folder, half, part), {trainer.steps(), 1, trainer.model()}));
  }
  return {};
}

}  // namespace

Result<std::vector<Checkpoint>> read_checkpoints(const std::string& folder) {
  ASSIGN_OR_RETURN(gpu::F32Model last, import_llama(folder));
  std::vector<Checkpoint> out;
  std::error_code none;
  for (const auto& file : fs::directory_iterator(folder + "/checkpoints", none)) {
    if (file.path().extension() != ".safetensors") continue;
    ASSIGN_OR_RETURN(Checkpoint one, read_checkpoint(file.path().string(), last.config));
    out.push_back(std::move(one));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.step < b.step; });
  if (out.empty()) out.push_back({0, 1, std::move(last)});
  return out;
}

Status keep_checkpoints(const std::string& folder, const KeepOptions& options,
                        const Workers& workers, const OnTrained& report) {
  if (options.count == 0 || options.count > kMaxKept) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("between 1 and {} checkpoints can be kept", kMaxKept));
  }
  ASSIGN_OR_RETURN(const Run run, run_of(folder, options.seed));
  const TrainOptions& train = run.options;
  ASSIGN_OR_RETURN(Trainer trainer, start_training(train, run.texts, workers));
  std::vector<Checkpoint> kept;
  while (!trainer.done()) {
    const double weight = static_cast<double>(trainer.rate()) / static_cast<double>(train.rate);
    TRY(trainer.step());
    report(trainer.steps(), train.steps);
    const std::uint64_t next = train.steps * (kept.size() + 1) / (options.count + 1);
    if (kept.size() < options.count && trainer.steps() >= std::max<std::uint64_t>(next, 1)) {
      kept.push_back({trainer.steps(), weight, trainer.model()});
    }
  }
  if (parameters_digest(trainer.model()) != parameters_digest(run.model)) {
    return fail(ErrorCode::kRefused, "training again gave other parameters than the folder's");
  }
  ASSIGN_OR_RETURN(const std::string into, make_folder(folder + "/checkpoints"));
  for (const Checkpoint& c : kept) {
    TRY(write_checkpoint(fmt::format("{}/step-{:06}.safetensors", into, c.step), c));
  }
  return {};
}

Status keep_halves(const std::string& folder, const HalvesOptions& options, const Workers& workers,
                   const OnTrained& report) {
  if (options.count == 0 || options.count > kMaxKept) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("between 1 and {} models of halves can be kept", kMaxKept));
  }
  ASSIGN_OR_RETURN(const Run run, run_of(folder, options.seed));
  TRY(make_folder(folder + "/halves"));
  std::vector<Status> made(options.count);
  std::mutex reporting;
  std::uint32_t done = 0;
  std::atomic<std::uint32_t> next = 0;  // who trains what does not matter
  const auto work = [&](std::uint32_t) {
    for (std::uint32_t half = next++; half < options.count; half = next++) {
      if (!has_half(folder, half)) {
        made[half] = train_half(folder, run, half, {nullptr, workers.accelerator});
      }
      const std::lock_guard lock(reporting);
      report(++done, options.count);
    }
  };
  gpu::Serial serial;
  const bool alone = workers.threads == nullptr || workers.accelerator != nullptr;
  (alone ? static_cast<gpu::Parallel&>(serial) : *workers.threads).each_part(work);
  for (const Status& status : made) TRY(status);
  return {};
}

Result<std::vector<Checkpoint>> read_halves(const std::string& folder, std::uint32_t count) {
  ASSIGN_OR_RETURN(const gpu::F32Model model, import_llama(folder));
  std::vector<Checkpoint> out;
  for (std::uint32_t half = 0; half < count; ++half) {
    for (std::uint32_t part = kLateParts; part <= kTrainingParts; ++part) {
      ASSIGN_OR_RETURN(Checkpoint one,
                       read_checkpoint(half_path(folder, half, part), model.config));
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace orrery::model

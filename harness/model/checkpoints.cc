#include "harness/model/checkpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "harness/model/hf_llama.h"
#include "harness/model/json_text.h"
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

Status write_all(const std::string& folder, const std::vector<Checkpoint>& kept) {
  const std::string into = folder + "/checkpoints";
  std::error_code failed;
  fs::create_directories(into, failed);
  if (failed) return fail(ErrorCode::kIo, "cannot make " + into + ": " + failed.message());
  for (const Checkpoint& c : kept) {
    const Bytes file =
        encode_safetensors({{"parameters", {c.model.values.size()}, c.model.values.data()}},
                           {{"format", kFormat},
                            {"step", std::to_string(c.step)},
                            {"weight_per_mille", std::to_string(std::lround(c.weight * 1000))}});
    const std::string path = fmt::format("{}/step-{:06}.safetensors", into, c.step);
    TRY(report::write_file_atomically(path, as_text(file)));
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
                        gpu::Parallel* parallel, const OnTrained& report) {
  if (options.count == 0 || options.count > kMaxKept) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("between 1 and {} checkpoints can be kept", kMaxKept));
  }
  ASSIGN_OR_RETURN(const gpu::F32Model wanted, import_llama(folder));
  ASSIGN_OR_RETURN(ZooEntry entry, entry_of(wanted.config));
  ASSIGN_OR_RETURN(const SplitCorpus corpus, zoo_corpus(entry.corpus));
  ASSIGN_OR_RETURN(const std::string last, read_text_file(folder + "/training.safetensors"));
  Bytes bytes(last.begin(), last.end());
  ASSIGN_OR_RETURN(const Safetensors file, Safetensors::parse(bytes));
  ASSIGN_OR_RETURN(const std::uint64_t steps, number_of(file, "step", 16));
  TrainOptions train = entry.options;
  train.seed = options.seed;
  train.steps = static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, 0xffff'ffffu));
  // Says at once whether options and data are those of the folder's run.
  TRY(Trainer::resume(train, token_stream(corpus.training), parallel, std::move(bytes)));
  ASSIGN_OR_RETURN(Trainer trainer, Trainer::start(train, token_stream(corpus.training), parallel));
  std::vector<Checkpoint> kept;
  while (!trainer.done()) {
    const double weight = static_cast<double>(trainer.rate()) / static_cast<double>(train.rate);
    trainer.step();
    report(trainer.steps(), train.steps);
    const std::uint64_t next = train.steps * (kept.size() + 1) / (options.count + 1);
    if (kept.size() < options.count && trainer.steps() >= std::max<std::uint64_t>(next, 1)) {
      kept.push_back({trainer.steps(), weight, trainer.model()});
    }
  }
  if (parameters_digest(trainer.model()) != parameters_digest(wanted)) {
    return fail(ErrorCode::kRefused, "training again gave other parameters than the folder's");
  }
  return write_all(folder, kept);
}

}  // namespace orrery::model

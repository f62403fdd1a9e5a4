#include "harness/model/bench_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gpu/api/inference.h"
#include "gpu/cuda/device_decoder.h"

namespace orrery::model {
namespace {

constexpr std::uint32_t kPromptRows = 128;
constexpr std::uint32_t kProfileRepeats = 5;

Hash256 hash_of(const std::vector<std::int32_t>& row) {
  return sha256({reinterpret_cast<const std::uint8_t*>(row.data()), row.size() * 4});
}

// What is on the device, from the model to the sequences.
struct Loaded {
  std::unique_ptr<gpu::DeviceModel> model;
  std::unique_ptr<gpu::DeviceDecoder> decoder;
};
Result<Loaded> load(gpu::Accelerator& accelerator, const gpu::ModelArtefact& model,
                    const gpu::DeviceDecoder::Options& options) {
  Loaded loaded;
  ASSIGN_OR_RETURN(loaded.model, gpu::DeviceModel::make(accelerator, model));
  ASSIGN_OR_RETURN(loaded.decoder, gpu::DeviceDecoder::make(accelerator, *loaded.model, options));
  return loaded;
}

// Greedy generation from token 0: `count` tokens of a fresh sequence.
Status generate(gpu::DeviceDecoder& decoder, std::uint32_t count) {
  const std::uint32_t slot = decoder.open();
  std::uint32_t token = 0;
  const std::uint32_t row = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const gpu::DeviceFeed feed{slot, {&token, 1}};
    TRY(decoder.step({&feed, 1}));
    TRY(decoder.project_logits({&row, 1}));
    token = decoder.best(0);
  }
  decoder.close(slot);
  return {};
}

}  // namespace

Result<DeviceRun> decode_on_device(gpu::Accelerator& accelerator, const gpu::ModelArtefact& model,
                                   const TokenLists& tokens) {
  const auto batch = static_cast<std::uint32_t>(tokens.size());
  const auto positions = static_cast<std::uint32_t>(tokens.front().size());
  ASSIGN_OR_RETURN(
      const Loaded loaded,
      load(accelerator, model, {.max_rows = batch, .max_length = positions, .sequences = batch}));
  gpu::DeviceDecoder& decoder = *loaded.decoder;
  std::vector<std::uint32_t> rows;
  std::vector<gpu::DeviceFeed> feeds(batch);
  for (std::uint32_t b = 0; b < batch; ++b) {
    feeds[b].slot = decoder.open();
    rows.push_back(b);
  }
  TRY(accelerator.finish());
  const Stopwatch watch;
  for (std::uint32_t i = 0; i < positions; ++i) {
    for (std::uint32_t b = 0; b < batch; ++b) feeds[b].tokens = {&tokens[b][i], 1};
    TRY(decoder.step(feeds));
    TRY(decoder.project_logits(rows));
  }
  TRY(accelerator.finish());
  DeviceRun run{watch.elapsed(), {}};
  for (std::uint32_t b = 0; b < batch; ++b) {
    ASSIGN_OR_RETURN(const auto logits, decoder.logits(b));
    run.logits.push_back(hash_of(logits));
  }
  return run;
}

Result<DeviceRun> prompt_on_device(gpu::Accelerator& accelerator, const gpu::ModelArtefact& model,
                                   const std::vector<std::uint32_t>& tokens) {
  const auto positions = static_cast<std::uint32_t>(tokens.size());
  ASSIGN_OR_RETURN(const Loaded loaded,
                   load(accelerator, model,
                        {.max_rows = std::min(positions, kPromptRows), .max_length = positions}));
  gpu::DeviceDecoder& decoder = *loaded.decoder;
  gpu::DeviceFeed feed{.slot = decoder.open()};
  TRY(accelerator.finish());
  const Stopwatch watch;
  for (std::uint32_t at = 0; at < positions; at += kPromptRows) {
    feed.tokens = std::span(tokens).subspan(at, std::min(kPromptRows, positions - at));
    TRY(decoder.step({&feed, 1}));
  }
  const std::uint32_t last = decoder.last_row(0);
  TRY(decoder.project_logits({&last, 1}));
  TRY(accelerator.finish());
  const Times times = watch.elapsed();
  ASSIGN_OR_RETURN(const auto logits, decoder.logits(0));
  return DeviceRun{times, {hash_of(logits)}};
}

Result<DeviceProfile> fit_profile(const std::string& device_name, const TimedJob& small,
                                  const TimedJob& large) {
  if (large.work_units <= small.work_units || large.seconds <= small.seconds) {
    return fail(ErrorCode::kInternal,
                fmt::format("{} work units took {:.6f} s and {} took {:.6f} s: no rate follows",
                            small.work_units, small.seconds, large.work_units, large.seconds));
  }
  DeviceProfile profile;
  for (const char c : device_name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool upper = c >= 'A' && c <= 'Z';
    if (letter || upper) {
      profile.name.push_back(static_cast<char>(upper ? c - 'A' + 'a' : c));
    } else if (!profile.name.empty() && profile.name.back() != '-') {
      profile.name.push_back('-');
    }
  }
  while (!profile.name.empty() && profile.name.back() == '-') profile.name.pop_back();
  const auto work = static_cast<double>(large.work_units - small.work_units);
  profile.work_units_per_second = work / (large.seconds - small.seconds);
  profile.job_overhead_seconds = std::max(
      0.0, small.seconds - static_cast<double>(small.work_units) / profile.work_units_per_second);
  return profile;
}

Result<DeviceProfile> measure_profile(gpu::Accelerator& accelerator,
                                      const gpu::ModelArtefact& model,
                                      const std::string& device_name) {
  const std::uint32_t most = std::min(model.config.context, 256u);
  const std::uint32_t least = std::max(most / 16, 1u);
  ASSIGN_OR_RETURN(const Loaded loaded,
                   load(accelerator, model, {.max_rows = 1, .max_length = most}));
  const auto timed = [&](std::uint32_t count) -> Result<TimedJob> {
    std::vector<double> seconds;
    for (std::uint32_t i = 0; i < kProfileRepeats; ++i) {
      const Stopwatch watch;
      TRY(generate(*loaded.decoder, count));
      seconds.push_back(watch.elapsed().wall);
    }
    return TimedJob{gpu::work_units(model.config, 1, count), median(seconds)};
  };
  TRY(generate(*loaded.decoder, least));  // warms up
  ASSIGN_OR_RETURN(const TimedJob small, timed(least));
  ASSIGN_OR_RETURN(const TimedJob large, timed(most));
  return fit_profile(device_name, small, large);
}

std::string profile_yaml(const DeviceProfile& profile, const std::string& about) {
  return fmt::format(
      "# {}\n"
      "devices:\n"
      "  - name: {}\n"
      "    job_overhead: {:.0f}us\n"
      "    work_units_per_second: {:.0f}\n",
      about, profile.name, std::ceil(profile.job_overhead_seconds * 1e6),
      std::max(1.0, profile.work_units_per_second));
}

}  // namespace orrery::model

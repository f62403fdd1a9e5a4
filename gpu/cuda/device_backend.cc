#include "gpu/cuda/device_backend.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "gpu/cuda/device_decoder.h"

namespace orrery::gpu {
namespace {

// Tokens of a prompt that share a step, unless their attention weights take more than this.
constexpr std::uint32_t kPromptRows = 128;
constexpr std::uint64_t kWeightBytes = std::uint64_t{1} << 30;

std::uint32_t prompt_rows(const ModelConfig& config, std::uint32_t capacity) {
  const std::uint64_t row = std::uint64_t{4} * config.heads * capacity;
  const auto fits =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(kWeightBytes / row, kPromptRows));
  return std::clamp(std::min(fits, capacity), 1u, kPromptRows);
}

class DeviceText final : public TextDecoder {
 public:
  static Result<std::unique_ptr<TextDecoder>> make(std::unique_ptr<Accelerator> accelerator,
                                                   const ModelArtefact& model,
                                                   std::uint32_t capacity) {
    std::unique_ptr<DeviceText> text(new DeviceText);
    text->accelerator_ = std::move(accelerator);
    text->rows_ = prompt_rows(model.config, capacity);
    ASSIGN_OR_RETURN(text->model_, DeviceModel::make(*text->accelerator_, model));
    ASSIGN_OR_RETURN(text->decoder_,
                     DeviceDecoder::make(*text->accelerator_, *text->model_,
                                         {.max_rows = text->rows_, .max_length = capacity}));
    text->slot_ = text->decoder_->open();
    return text;
  }

  Status append(std::span<const std::uint32_t> tokens, Transcript* transcript) override {
    while (!tokens.empty()) {
      const auto part = tokens.first(std::min<std::size_t>(tokens.size(), rows_));
      const DeviceFeed feed{slot_, part, transcript};
      TRY(decoder_->step({&feed, 1}));
      tokens = tokens.subspan(part.size());
    }
    return {};
  }

  Result<std::uint32_t> next(const SamplingParams& params, std::uint64_t sampling_seed) override {
    const std::uint32_t row = decoder_->last_row(0);
    TRY(decoder_->project_logits({&row, 1}));
    if (params.temperature == 0) return decoder_->best(0);
    ASSIGN_OR_RETURN(const auto logits, decoder_->logits(0));
    return sample_token(logits, params, sampling_seed, decoder_->length(slot_));
  }

  Result<std::uint64_t> clamps() override { return decoder_->clamps(slot_); }

 private:
  DeviceText() = default;

  std::unique_ptr<Accelerator> accelerator_;  // outlives what lies in its memory
  std::unique_ptr<DeviceModel> model_;
  std::unique_ptr<DeviceDecoder> decoder_;
  std::uint32_t rows_ = 1;
  std::uint32_t slot_ = 0;
};

}  // namespace

Result<std::unique_ptr<TextDecoder>> DeviceBackend::open(const ModelArtefact& model,
                                                         std::uint32_t capacity) const {
  ASSIGN_OR_RETURN(auto accelerator, open_());
  return DeviceText::make(std::move(accelerator), model, capacity);
}

}  // namespace orrery::gpu

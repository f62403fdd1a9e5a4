#include "gpu/cpu/cpu_backend.h"

#include "gpu/cpu/decoder.h"

namespace orrery::gpu {
namespace {

class CpuText final : public TextDecoder {
 public:
  CpuText(const ModelArtefact& model, Kernel kernel, std::uint32_t capacity)
      : decoder_(model, kernel, capacity) {}

  Status append(std::span<const std::uint32_t> tokens, Transcript* transcript) override {
    decoder_.append(tokens, transcript);
    return {};
  }
  Result<std::uint32_t> next(const SamplingParams& params, std::uint64_t sampling_seed) override {
    return sample_token(decoder_.logits(), params, sampling_seed, decoder_.position());
  }
  Result<std::uint64_t> clamps() override { return decoder_.clamps(); }

 private:
  Decoder decoder_;
};

}  // namespace

Result<std::unique_ptr<TextDecoder>> CpuBackend::open(const ModelArtefact& model,
                                                      std::uint32_t capacity) const {
  return std::make_unique<CpuText>(model, kernel_, capacity);
}

}  // namespace orrery::gpu

#include "harness/run/inference.h"

#include "engine/base/codec.h"
#include "gpu/api/inference.h"
#include "gpu/api/seeded_model.h"
#include "gpu/cpu/cpu_backend.h"
#include "harness/model/zoo_artefact.h"
#include "scenarios/schema/trained_models.h"

namespace orrery::run {
namespace {

Result<gpu::ModelArtefact> make_artefact(const scenario::ModelSpec& spec) {
  if (const auto* trained = scenario::trained_model(spec.generator)) {
    return model::zoo_artefact(trained->size, trained->artefact);
  }
  const gpu::ModelConfig config{.dim = spec.dim,
                                .hidden = spec.hidden,
                                .layers = spec.layers,
                                .heads = spec.heads,
                                .context = spec.context};
  TRY(gpu::validate(config));
  return gpu::make_seeded_model(config, spec.weights_seed);
}

}  // namespace

Result<std::unique_ptr<Inference>> Inference::make(const std::vector<scenario::ModelSpec>& models,
                                                   bool memo) {
  std::unique_ptr<Inference> made(new Inference(memo));
  for (const scenario::ModelSpec& spec : models) {
    ASSIGN_OR_RETURN(gpu::ModelArtefact artefact, make_artefact(spec));
    const Hash256 digest = artefact.digest();
    made->digests_[spec.name] = digest;
    made->artefacts_.emplace(digest, std::move(artefact));
  }
  return made;
}

std::uint64_t Inference::bytes(const std::string& model) const {
  return gpu::encoded_size(artefacts_.at(digests_.at(model)).config);
}

env::JobResult Inference::execute(const env::JobSpec& spec) {
  Writer key;
  key.hash(spec.model).bytes(spec.input.view()).bytes(spec.parameters.view());
  key.u64(spec.sampling_seed).u64(spec.max_work);
  return *memo_.get<env::JobResult>(stream_id("inference"), hash128(key.view()),
                                    [&] { return compute(spec); });
}

env::JobResult Inference::compute(const env::JobSpec& spec) const {
  const auto model = artefacts_.find(spec.model);
  if (model == artefacts_.end()) return {.status = env::JobStatus::kUnknownModel};
  const auto params = gpu::SamplingParams::decode(spec.parameters.view());
  if (!params) return {.status = env::JobStatus::kRefused};
  const gpu::CpuBackend backend;
  const auto result =
      backend.generate(model->second, spec.input.view(), *params, spec.sampling_seed);
  if (!result) return {.status = env::JobStatus::kRefused};
  return {.status = env::JobStatus::kDone,
          .output = Buffer(result->encode()),
          .work_units = result->work_units};
}

}  // namespace orrery::run

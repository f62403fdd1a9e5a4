// The compute function of a world: real inference on the models of the scenario. Pure, so results
// are shared by all nodes through a memo.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/env/env.h"
#include "engine/env/memo.h"
#include "gpu/api/model.h"
#include "protocol/ledger/module.h"
#include "scenarios/schema/scenario.h"

namespace orrery::run {

class Inference {
 public:
  // Seeded models are made, trained ones come with the program. kInvalidArgument if a model's shape
  // is not possible.
  static Result<std::unique_ptr<Inference>> make(const std::vector<scenario::ModelSpec>& models,
                                                 bool memo);

  // Content hash of the artefact made for a model's name.
  const Hash256& digest(const std::string& model) const { return digests_.at(model); }
  // Size of its encoded artefact.
  std::uint64_t bytes(const std::string& model) const;
  env::JobResult execute(const env::JobSpec& spec);

 private:
  explicit Inference(bool memo) : memo_(memo) {}
  env::JobResult compute(const env::JobSpec& spec) const;

  std::map<std::string, Hash256> digests_;
  std::map<Hash256, gpu::ModelArtefact> artefacts_;
  env::Memo memo_;
};

}  // namespace orrery::run

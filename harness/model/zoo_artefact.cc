#include "harness/model/zoo_artefact.h"

#include <fmt/format.h>

namespace orrery::model {

Result<gpu::ModelArtefact> zoo_artefact(std::string_view size, std::string_view digest) {
  if (size != "0.3M") {
    return fail(ErrorCode::kNotFound,
                fmt::format("no trained model of size {:?} travels with the program", size));
  }
  ASSIGN_OR_RETURN(gpu::ModelArtefact artefact, gpu::ModelArtefact::decode(kZooArtefact03M));
  const std::string found = to_hex(artefact.digest());
  if (found == digest) return artefact;
  return fail(ErrorCode::kRefused,
              fmt::format("the {} model has digest {}, expected {}", size, found, digest));
}

}  // namespace orrery::model

#include "harness/sweep/document.h"

#include <nlohmann/json.hpp>

namespace orrery::sweep {

Result<scenario::Scenario> load_document(const nlohmann::ordered_json& document,
                                         const scenario::LoadOptions& options) {
  auto loaded = scenario::load_text(document.dump(), document.value("name", "scenario"), options);
  if (loaded) return std::move(*loaded);
  return fail(ErrorCode::kInvalidArgument, scenario::format(loaded.error().front()));
}

}  // namespace orrery::sweep

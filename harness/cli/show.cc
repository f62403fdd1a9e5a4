#include <fmt/format.h>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/scenario_args.h"
#include "scenarios/schema/describe.h"
#include "scenarios/schema/schema.h"

namespace orrery::cli {

int show_command(const ShowArgs& args) {
  const auto scenario = load(args.scenario);
  if (!scenario) return kUsage;
  if (args.resolved || args.json) {
    fmt::print("{}\n", scenario->canonical_json);
  } else {
    fmt::print("{}", scenario::describe(*scenario));
  }
  return kHeld;
}

int schema_command(const SchemaArgs& args) {
  fmt::print("{}\n", args.markdown ? scenario::reference_markdown() : scenario::json_schema());
  return kHeld;
}

}  // namespace orrery::cli

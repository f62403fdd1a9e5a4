#include "scenarios/schema/load.h"

#include <fmt/format.h>

#include <exception>

#include "scenarios/schema/canonical.h"
#include "scenarios/schema/expression.h"
#include "scenarios/schema/merge.h"
#include "scenarios/schema/read.h"
#include "scenarios/schema/resolve.h"

namespace orrery::scenario {
namespace {

template <class MakeTree>
LoadOutcome load(MakeTree make_tree, const std::string& name, const LoadOptions& options) {
  Diagnostics diagnostics;
  try {
    Node root = make_tree(diagnostics);
    if (root.kind == Node::Kind::kMap) {
      apply_overrides(root, options.overrides, diagnostics);
      substitute_variables(root, diagnostics);
      const ScenarioDraft draft = read_scenario(root, diagnostics);
      if (diagnostics.empty()) {
        Scenario scenario = resolve_scenario(draft, root, options, diagnostics);
        if (diagnostics.empty()) {
          scenario.source_path = name;
          scenario.canonical_json = canonical_json(scenario);
          scenario.hash = sha256(as_bytes(scenario.canonical_json));
          return scenario;
        }
      }
    }
    if (diagnostics.empty()) {
      diagnostics.add({diagnostics.add_file(name), 1, 1}, "", "not a scenario");
    }
  } catch (const std::exception& error) {
    diagnostics.add({diagnostics.add_file(name), 1, 1}, "",
                    fmt::format("the loader failed: {}", error.what()));
  }
  return tl::unexpected<std::vector<Diagnostic>>(diagnostics.take());
}

}  // namespace

LoadOutcome load_file(const std::string& path, const LoadOptions& options) {
  return load([&](Diagnostics& diagnostics) { return merge_file(path, diagnostics); }, path,
              options);
}

LoadOutcome load_text(const std::string& text, const std::string& name,
                      const LoadOptions& options) {
  return load([&](Diagnostics& diagnostics) { return merge_text(text, name, diagnostics); }, name,
              options);
}

}  // namespace orrery::scenario

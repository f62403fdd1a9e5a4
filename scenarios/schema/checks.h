// Checks of a draft that need no node list: chain parameters against one another, models, names.
#pragma once

#include "scenarios/schema/drafts.h"

namespace orrery::scenario {

// Reports at the value under `key` of `place`, or at the item if the key is not written or empty.
void report(Diagnostics& diagnostics, const Located& place, std::string_view key,
            std::string message, std::string hint = {});
// Reports at the deepest written part of a dotted path from the root: chain.token.sale.
void report_at(Diagnostics& diagnostics, const Node& root, const std::string& path,
               std::string message, std::string hint = {});

void check_chain(const chain::ChainParams& chain, const Node& root, Diagnostics& diagnostics);
void check_models(const ScenarioDraft& draft, Diagnostics& diagnostics);
// What relates the keys of one link to each other; `node` has them, at `path`.
void check_link(const LinkSpec& link, const Node& node, const std::string& path,
                Diagnostics& diagnostics);
// Names of each list are used once.
void check_names(const ScenarioDraft& draft, Diagnostics& diagnostics);

}  // namespace orrery::scenario

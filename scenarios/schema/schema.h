// The language for machines and for people, from the same table that the loader reads.
#pragma once

#include <string>
#include <vector>

#include "scenarios/schema/load.h"

namespace orrery::scenario {

// JSON Schema, draft 2020-12, of a scenario file before includes and variables: a value that holds
// `${...}` passes, and keys that an include may supply are still required.
std::string json_schema();

// Every key with type, default, range and meaning, as Markdown.
std::string reference_markdown();

// Dotted paths of every key that the loader accepts, in table order: chain.token.symbol,
// groups.name.
std::vector<std::string> known_keys();

// The file with its includes, as JSON, without any check of meaning: what the schema is applied to.
// Empty if the file is not well-formed.
std::string document_json(const std::string& path);

// A document of that kind with overrides and variables put in: nothing in it refers to another
// place. Empty if it is not well-formed or an override does not fit.
std::string plain_document_json(const std::string& document,
                                const std::vector<Override>& overrides);

}  // namespace orrery::scenario

// A parsed scenario file before any meaning: maps, lists and scalars, each with its place. The
// strict subset is enforced here: no duplicate keys, tabs, anchors, aliases, tags, empty values,
// second documents, or words that other YAML readers take for booleans.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenarios/schema/diagnostics.h"

namespace orrery::scenario {

struct Entry;

struct Node {
  enum class Kind {
    kScalar,
    kList,
    kMap,
    kBad,  // already reported; later stages pass over it in silence
  };
  Kind kind = Kind::kBad;
  Mark mark;
  std::string text;            // kScalar
  bool plain = true;           // kScalar: written without quotes
  std::vector<Node> items;     // kList
  std::vector<Entry> entries;  // kMap, in file order, keys distinct

  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  // The scalar under `key`, or empty: how list items are recognised by `name`.
  std::string_view scalar(std::string_view key) const;
};

struct Entry {
  std::string key;
  Mark mark;  // of the key
  Node value;
};

// Largest accepted file; a scenario is written by hand or by a small generator.
inline constexpr std::size_t kMaxFileBytes = 1 << 20;

// Parses `text`; problems go to `diagnostics`. The result is kBad if nothing could be made of it.
Node parse_document(const std::string& text, std::uint32_t file, Diagnostics& diagnostics);

// "a map", "a list", "text": for messages.
std::string_view kind_name(const Node& node);

// Path of item `index` of the list at `path`: groups.workers if it has a name, else groups[2].
std::string item_path(const std::string& path, const Node& item, std::size_t index);

}  // namespace orrery::scenario

#include "scenarios/schema/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "engine/base/integer.h"
#include "scenarios/schema/topology_file.h"

namespace orrery::scenario {
namespace {

constexpr std::size_t kMaxIncludes = 64;  // files of one scenario; ends runaway fan-out

// Names given twice are left for the reader to report, so such a list is not keyed.
bool named_list(const Node& list) {
  std::set<std::string_view> names;
  for (const Node& item : list.items) {
    const std::string_view name = item.kind == Node::Kind::kMap ? item.scalar("name") : "";
    if (name.empty() || !names.insert(name).second) return false;
  }
  return !names.empty();
}

// Lays `top` over `base`. Marks come from whichever file a value was taken from.
void overlay(Node& base, Node top) {
  if (base.kind == Node::Kind::kMap && top.kind == Node::Kind::kMap) {
    base.mark = top.mark;
    for (Entry& entry : top.entries) {
      if (Node* old = base.find(entry.key)) {
        overlay(*old, std::move(entry.value));
      } else {
        base.entries.push_back(std::move(entry));
      }
    }
    return;
  }
  if (base.kind == Node::Kind::kList && top.kind == Node::Kind::kList && named_list(base) &&
      named_list(top)) {
    base.mark = top.mark;
    const std::size_t old_count = base.items.size();
    for (Node& item : top.items) {
      const std::string_view name = item.scalar("name");
      std::size_t i = 0;
      while (i < old_count && base.items[i].scalar("name") != name) ++i;
      if (i < old_count) {
        overlay(base.items[i], std::move(item));
      } else {
        base.items.push_back(std::move(item));
      }
    }
    return;
  }
  base = std::move(top);
}

class Merger {
 public:
  explicit Merger(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  // The whole tree, or kBad if any file of it could not be read: half a scenario would only be
  // complained about for what the other half holds.
  Node finish(Node node) { return failed_ ? Node{} : std::move(node); }

  Node file(const std::filesystem::path& path, std::optional<Mark> from) {
    std::ifstream in(path, std::ios::binary);
    std::error_code error;
    if (!in || !std::filesystem::is_regular_file(path, error)) {
      const Mark mark = from ? *from : Mark{diagnostics_.add_file(path.string()), 1, 1};
      diagnostics_.add(mark, from ? "include" : "", fmt::format("cannot read '{}'", path.string()));
      return {};
    }
    // One byte past the limit is enough for the parser to refuse the rest.
    std::string text(kMaxFileBytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return this->text(text, path);
  }

  Node text(const std::string& text, const std::filesystem::path& path) {
    Node node = parse_document(text, diagnostics_.add_file(path.string()), diagnostics_);
    if (node.kind == Node::Kind::kBad) return node;
    if (node.kind != Node::Kind::kMap) {
      diagnostics_.add(node.mark, "",
                       fmt::format("expected a map of keys, found {}", kind_name(node)),
                       "start with 'orrery: 1'");
      return {};
    }
    const Node* include = node.find("include");
    if (include == nullptr || include->kind == Node::Kind::kBad) {
      inline_topology(node, path);
      return node;
    }
    open_.push_back(canonical(path));
    Node base{.kind = Node::Kind::kMap, .mark = node.mark};
    if (include->kind == Node::Kind::kScalar) {
      one(*include, path, base);
    } else if (include->kind == Node::Kind::kList) {
      for (const Node& item : include->items) one(item, path, base);
    } else {
      diagnostics_.add(include->mark, "include", "expected a file name or a list of them");
    }
    open_.pop_back();
    // Done with: the tree is whole, and can be loaded again from anywhere.
    std::erase_if(node.entries, [](const Entry& entry) { return entry.key == "include"; });
    inline_topology(node, path);
    overlay(base, std::move(node));
    return base;
  }

 private:
  static std::string canonical(const std::filesystem::path& path) {
    std::error_code error;
    const std::filesystem::path full = std::filesystem::weakly_canonical(path, error);
    return error ? path.lexically_normal().string() : full.string();
  }

  // The text of network.topology.file is put beside its name: the tree has all that a replay needs.
  void inline_topology(Node& node, const std::filesystem::path& from) {
    Node* network = node.find("network");
    Node* topology = network != nullptr ? network->find("topology") : nullptr;
    const Node* file = topology != nullptr ? topology->find("file") : nullptr;
    if (file == nullptr || file->kind != Node::Kind::kScalar) return;
    if (topology->find("content") != nullptr) return;
    const std::filesystem::path path = (from.parent_path() / file->text).lexically_normal();
    const auto refuse = [&](std::string message) {
      diagnostics_.add(file->mark, "network.topology.file", std::move(message));
      failed_ = true;
    };
    std::ifstream in(path, std::ios::binary);
    std::error_code error;
    if (!in || !std::filesystem::is_regular_file(path, error)) {
      return refuse(fmt::format("cannot read '{}'", path.string()));
    }
    std::string text(kMaxTopologyBytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.empty()) return refuse(fmt::format("'{}' is empty", path.string()));
    if (text.size() > kMaxTopologyBytes) {
      return refuse(fmt::format("'{}' is larger than {} bytes", path.string(), kMaxTopologyBytes));
    }
    const Mark mark{diagnostics_.add_file(path.string()), 1, 1};
    topology->entries.push_back(
        {"content",
         mark,
         {.kind = Node::Kind::kScalar, .mark = mark, .text = std::move(text), .plain = false}});
  }

  void one(const Node& name, const std::filesystem::path& from, Node& base) {
    const auto refuse = [&](std::string message) {
      diagnostics_.add(name.mark, "include", std::move(message));
      failed_ = true;
    };
    if (name.kind == Node::Kind::kBad) return;
    if (name.kind != Node::Kind::kScalar || name.text.empty())
      return refuse("expected a file name");
    if (++count_ > kMaxIncludes) return refuse(fmt::format("more than {} files", kMaxIncludes));
    const std::filesystem::path path = (from.parent_path() / name.text).lexically_normal();
    if (std::find(open_.begin(), open_.end(), canonical(path)) != open_.end()) {
      return refuse(fmt::format("'{}' includes itself in a circle", path.string()));
    }
    Node included = file(path, name.mark);
    if (included.kind == Node::Kind::kMap) {
      overlay(base, std::move(included));
    } else {
      failed_ = true;
    }
  }

  Diagnostics& diagnostics_;
  std::vector<std::string> open_;  // files being merged, to see circles
  std::size_t count_ = 0;
  bool failed_ = false;
};

std::vector<std::string> split(const std::string& key) {
  std::vector<std::string> out(1);
  for (char c : key) {
    if (c == '.') {
      out.emplace_back();
    } else {
      out.back().push_back(c);
    }
  }
  return out;
}

// The item that `part` names, by its `name` or its position.
Node* list_item(Node& list, const std::string& part) {
  for (Node& item : list.items) {
    if (item.kind == Node::Kind::kMap && item.scalar("name") == part) return &item;
  }
  const auto index = parse_decimal(part);
  return index && *index < list.items.size() ? &list.items[static_cast<std::size_t>(*index)]
                                             : nullptr;
}

void apply_one(Node& root, const Override& override, Diagnostics& diagnostics) {
  const std::uint32_t file = diagnostics.add_file("--set " + override.key);
  const Mark mark{file, 1, 1};
  Node value = parse_document(override.value, file, diagnostics);
  if (value.kind == Node::Kind::kBad) return;
  const std::vector<std::string> parts = split(override.key);
  Node* at = &root;
  std::string path;
  for (const std::string& part : parts) {
    if (part.empty()) {
      diagnostics.add(mark, override.key, "expected a key such as chain.consensus.slot");
      return;
    }
    if (at->kind == Node::Kind::kBad) *at = Node{.kind = Node::Kind::kMap, .mark = mark};
    if (at->kind == Node::Kind::kList) {
      Node* item = list_item(*at, part);
      if (item == nullptr) {
        std::vector<std::string> names;
        for (const Node& i : at->items) {
          if (!i.scalar("name").empty()) names.emplace_back(i.scalar("name"));
        }
        diagnostics.add(mark, path, fmt::format("no item named '{}'", part), suggest(part, names));
        return;
      }
      at = item;
    } else if (at->kind == Node::Kind::kMap) {
      if (at->find(part) == nullptr) {
        at->entries.push_back({part, mark, Node{.kind = Node::Kind::kBad, .mark = mark}});
      }
      at = at->find(part);
    } else {
      diagnostics.add(mark, path, fmt::format("has no keys below it, so no '{}'", part));
      return;
    }
    path = join_path(path, part);
  }
  *at = std::move(value);
}

}  // namespace

Node merge_file(const std::string& path, Diagnostics& diagnostics) {
  Merger merger(diagnostics);
  return merger.finish(merger.file(path, std::nullopt));
}

Node merge_text(const std::string& text, const std::string& name, Diagnostics& diagnostics) {
  Merger merger(diagnostics);
  return merger.finish(merger.text(text, name));
}

void apply_overrides(Node& root, const std::vector<Override>& overrides, Diagnostics& diagnostics) {
  for (const Override& override : overrides) apply_one(root, override, diagnostics);
}

}  // namespace orrery::scenario

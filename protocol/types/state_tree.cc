#include "protocol/types/state_tree.h"

#include <algorithm>
#include <atomic>

#include "engine/base/ensure.h"

namespace orrery::chain {

// Immutable while more than one Ref leads to it; see Change::own.
struct StateTree::Node {
  struct Child {
    std::uint8_t byte;
    Ref node;
  };
  std::string prefix;
  std::optional<Bytes> value;
  std::vector<Child> children;  // bytes strictly ascending
  // A cache, not content: valid only while `hashed`.
  Hash256 hash;
  bool hashed = false;

  // Where the child with this byte is or would be.
  std::size_t slot(std::uint8_t byte) const {
    const auto it = std::lower_bound(children.begin(), children.end(), byte,
                                     [](const Child& c, std::uint8_t b) { return c.byte < b; });
    return static_cast<std::size_t>(it - children.begin());
  }
  bool has(std::size_t slot, std::uint8_t byte) const {
    return slot < children.size() && children[slot].byte == byte;
  }
};

namespace {

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const auto [end, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end - a.begin());
}

bool equal(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

}  // namespace

// The two changes. Each takes the slot that leads to a node, so that it can replace it.
struct StateTree::Change {
  // Makes the node behind `ref` ours alone, and forgets its hash. A node is reached by us alone if
  // every Ref on the way from the root is the only one; callers come down from the root, and
  // copying a node raises the counts of its children.
  static Node& own(Ref& ref) {
    if (ref.use_count() != 1) {
      ref = std::make_shared<Node>(*ref);
    } else {
      // Another thread may just have let go of this node: see its reads before our writes.
      std::atomic_thread_fence(std::memory_order_acquire);
    }
    ref->hashed = false;
    return *ref;
  }

  static void set(Ref& ref, std::string_view path, ByteView value) {
    Node& node = own(ref);
    const std::size_t common = common_prefix(node.prefix, path);
    if (common < node.prefix.size()) {  // the path leaves inside the prefix: split there
      auto upper = std::make_shared<Node>();
      upper->prefix = node.prefix.substr(0, common);
      const std::uint8_t byte = byte_at(node.prefix, common);
      node.prefix.erase(0, common + 1);
      upper->children.push_back({byte, std::move(ref)});
      ref = std::move(upper);
      return set_below(*ref, path.substr(common), value);
    }
    set_below(node, path.substr(common), value);
  }

  // `rest` is what is left of the path after the node's prefix.
  static void set_below(Node& node, std::string_view rest, ByteView value) {
    if (rest.empty()) {
      node.value.emplace(value.begin(), value.end());
      return;
    }
    const std::uint8_t byte = byte_at(rest, 0);
    const std::size_t slot = node.slot(byte);
    if (node.has(slot, byte)) return set(node.children[slot].node, rest.substr(1), value);
    auto leaf = std::make_shared<Node>();
    leaf->prefix = rest.substr(1);
    leaf->value.emplace(value.begin(), value.end());
    node.children.insert(node.children.begin() + static_cast<std::ptrdiff_t>(slot),
                         {byte, std::move(leaf)});
  }

  // The path is known to be there. May leave `ref` empty: then the caller drops the child.
  static void erase(Ref& ref, std::string_view path, bool is_root) {
    Node& node = own(ref);
    const std::string_view rest = path.substr(node.prefix.size());
    if (rest.empty()) {
      node.value.reset();
    } else {
      const auto child =
          node.children.begin() + static_cast<std::ptrdiff_t>(node.slot(byte_at(rest, 0)));
      erase(child->node, rest.substr(1), false);
      if (!child->node) node.children.erase(child);
    }
    if (is_root || node.value || node.children.size() > 1) return;
    if (node.children.empty()) {
      ref.reset();
      return;
    }
    // One child and no value: join them, so that the shape depends on the content alone.
    Ref only = std::move(node.children.front().node);
    Node& joined = own(only);
    joined.prefix = node.prefix + static_cast<char>(node.children.front().byte) + joined.prefix;
    ref = std::move(only);
  }
};

// In-order visits and hashing.
struct StateTree::Walk {
  static const Hash256& hash(Node& node, NodePreimage& preimage) {
    if (node.hashed) return node.hash;
    for (const auto& child : node.children) hash(*child.node, preimage);
    const auto value = node.value ? ValueCommitment::to(*node.value) : ValueCommitment{};
    preimage.head(node.prefix, value, node.children.size());
    for (const auto& child : node.children) preimage.child(child.byte, child.node->hash);
    node.hash = preimage.hash();
    node.hashed = true;
    return node.hash;
  }

  // Visits what lies under `node` and after `after` (all, if null). `path` is the path above the
  // node and is restored. False if the visitor ended the walk.
  static bool visit(const Node& node, std::string& path, const std::string_view* after,
                    const Visitor& visitor) {
    const std::size_t above = path.size();
    path += node.prefix;
    bool on = true;
    if (after) {
      const int order = std::string_view(path).compare(after->substr(0, path.size()));
      if (order < 0) on = false;       // all of it comes before
      if (order > 0) after = nullptr;  // all of it comes after
    }
    bool go_on = true;
    if (on) {
      if (node.value && !after) go_on = visitor(path, *node.value);
      std::size_t first = 0;
      if (after && after->size() > path.size()) first = node.slot(byte_at(*after, path.size()));
      const std::size_t size = path.size();
      for (std::size_t i = first; go_on && i < node.children.size(); ++i) {
        path += static_cast<char>(node.children[i].byte);
        go_on = visit(*node.children[i].node, path, after, visitor);
        path.resize(size);
      }
    }
    path.resize(above);
    return go_on;
  }

  // The node under which all paths with `prefix` lie, and the path above it in `above`.
  static const Node* find(const Node* node, std::string_view prefix, std::string& above) {
    std::string_view rest = prefix;
    for (;;) {
      const std::size_t common = common_prefix(node->prefix, rest);
      if (common == rest.size()) return node;
      if (common < node->prefix.size()) return nullptr;
      const std::uint8_t byte = byte_at(rest, common);
      const std::size_t slot = node->slot(byte);
      if (!node->has(slot, byte)) return nullptr;
      above.append(rest.substr(0, common + 1));
      rest.remove_prefix(common + 1);
      node = node->children[slot].node.get();
    }
  }
};

// Compares two trees byte by byte of path. A View is a place in a tree: a node, of whose prefix
// `used` bytes are behind us. Inside a prefix a place has no value and one way on.
struct StateTree::Diff {
  struct View {
    const Node* node = nullptr;  // null: nothing here
    std::size_t used = 0;

    bool inside() const { return used < node->prefix.size(); }
    std::optional<ByteView> value() const {
      if (!node || inside() || !node->value) return std::nullopt;
      return ByteView(*node->value);
    }
    std::size_t ways() const { return !node ? 0 : inside() ? 1 : node->children.size(); }
    std::uint8_t byte(std::size_t i) const {
      return inside() ? byte_at(node->prefix, used) : node->children[i].byte;
    }
    View at(std::size_t i) const {
      return inside() ? View{node, used + 1} : View{node->children[i].node.get(), 0};
    }
  };

  static bool same(const View& a, const View& b) {
    if (!a.node || !b.node || a.used != b.used) return false;
    return a.node == b.node || (a.node->hashed && b.node->hashed && a.node->hash == b.node->hash);
  }

  void compare(const View& a, const View& b) {
    if (same(a, b)) return;
    const auto before = a.value(), after = b.value();
    if (before.has_value() != after.has_value() || (before && !equal(*before, *after))) {
      visit(path, before, after);
    }
    std::size_t i = 0, j = 0;
    while (i < a.ways() || j < b.ways()) {
      // 256 stands for the end: after every byte.
      const int left = i < a.ways() ? a.byte(i) : 256, right = j < b.ways() ? b.byte(j) : 256;
      const View x = left <= right ? a.at(i++) : View{};
      const View y = right <= left ? b.at(j++) : View{};
      path.push_back(static_cast<char>(std::min(left, right)));
      compare(x, y);
      path.pop_back();
    }
  }

  const DiffVisitor& visit;
  std::string path;
};

StateTree::StateTree() : root_(std::make_shared<Node>()) {}

std::optional<ByteView> StateTree::get(std::string_view path) const {
  const Node* node = root_.get();
  for (;;) {
    if (!path.starts_with(node->prefix)) return std::nullopt;
    path.remove_prefix(node->prefix.size());
    if (path.empty()) {
      return node->value ? std::optional(ByteView(*node->value)) : std::nullopt;
    }
    const std::uint8_t byte = byte_at(path, 0);
    const std::size_t slot = node->slot(byte);
    if (!node->has(slot, byte)) return std::nullopt;
    node = node->children[slot].node.get();
    path.remove_prefix(1);
  }
}

void StateTree::set(std::string_view path, ByteView value) {
  ENSURE(!path.empty() && path.size() <= kMaxStatePath, "a state path has 1 to 256 bytes");
  ENSURE(value.size() <= kMaxStateValue, "a state value has at most 1 MiB");
  const auto old = get(path);
  if (old && equal(*old, value)) return;
  Change::set(root_, path, value);
  if (!old) ++size_;
}

bool StateTree::erase(std::string_view path) {
  if (!contains(path)) return false;
  Change::erase(root_, path, true);
  --size_;
  return true;
}

Hash256 StateTree::root() const {
  NodePreimage preimage;
  return Walk::hash(*root_, preimage);
}

void StateTree::for_each(std::string_view prefix, const Visitor& visit) const {
  std::string path;
  if (const Node* top = Walk::find(root_.get(), prefix, path)) {
    Walk::visit(*top, path, nullptr, visit);
  }
}

std::optional<StateTree::Entry> StateTree::next(std::string_view prefix,
                                                std::string_view after) const {
  std::optional<Entry> found;
  std::string path;
  if (const Node* top = Walk::find(root_.get(), prefix, path)) {
    Walk::visit(*top, path, &after, [&](std::string_view at, ByteView value) {
      found = Entry{std::string(at), value};
      return false;
    });
  }
  return found;
}

StateProof StateTree::prove(std::string_view path) const {
  root();  // all hashes below are known from here on
  StateProof proof;
  const Node* node = root_.get();
  for (;;) {
    auto& out = proof.nodes.emplace_back();
    out.prefix = node->prefix;
    if (node->value) out.value = ValueCommitment::to(*node->value);
    for (const auto& child : node->children) out.children.push_back({child.byte, child.node->hash});
    if (!path.starts_with(node->prefix)) return proof;
    path.remove_prefix(node->prefix.size());
    if (path.empty()) {
      proof.value = node->value;
      return proof;
    }
    const std::uint8_t byte = byte_at(path, 0);
    const std::size_t slot = node->slot(byte);
    if (!node->has(slot, byte)) return proof;
    out.children.erase(out.children.begin() + static_cast<std::ptrdiff_t>(slot));
    node = node->children[slot].node.get();
    path.remove_prefix(1);
  }
}

void StateTree::diff(const StateTree& before, const StateTree& after, const DiffVisitor& visit) {
  Diff diff{visit, {}};
  diff.compare({before.root_.get(), 0}, {after.root_.get(), 0});
}

}  // namespace orrery::chain

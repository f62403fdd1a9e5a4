// The state of the chain: one map from paths such as "/accounts/<address>/balance" to bytes, with a
// Merkle root that depends on its content alone, not on how it came about. A StateTree is a value:
// a copy costs a pointer and shares everything; a change copies only the nodes on its path, and
// none that this copy alone owns. So thousands of nodes with equal states hold them once, and old
// versions stay as they were.
//
// Node layout and hashes: state_proof.h. Hashes are computed by root() and kept. Two threads may
// hold trees that share nodes if root() was called on them before they were handed over; one tree
// object belongs to one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "protocol/types/state_proof.h"

namespace orrery::chain {

class StateTree {
 public:
  struct Entry {
    std::string path;
    ByteView value;
  };
  // Returns false to end the walk.
  using Visitor = std::function<bool(std::string_view path, ByteView value)>;
  using DiffVisitor = std::function<void(std::string_view path, std::optional<ByteView> before,
                                         std::optional<ByteView> after)>;

  StateTree();  // empty

  // Views point into the tree: valid until this object changes or ends, and as long as any copy
  // made before that lives.
  std::optional<ByteView> get(std::string_view path) const;
  bool contains(std::string_view path) const { return get(path).has_value(); }
  std::size_t size() const { return size_; }  // entries
  bool empty() const { return size_ == 0; }

  // 1 to kMaxStatePath bytes of path and at most kMaxStateValue of value: ENSUREd, since paths and
  // values are made by our own modules. Setting an equal value changes and copies nothing.
  void set(std::string_view path, ByteView value);
  // Whether there was something to erase.
  bool erase(std::string_view path);

  // Hashes what changed since the last call: one node for each on the paths to a change.
  Hash256 root() const;

  // Entries whose paths start with `prefix`, in byte order of paths.
  void for_each(std::string_view prefix, const Visitor& visit) const;
  // The first entry under `prefix` whose path comes after `after`: a cursor that outlives changes.
  std::optional<Entry> next(std::string_view prefix, std::string_view after) const;

  // Presence or absence of `path` under root(), for verify_state.
  StateProof prove(std::string_view path) const;
  static Result<std::optional<Bytes>> verify(const Hash256& root, std::string_view path,
                                             const StateProof& proof) {
    return verify_state(root, path, proof);
  }

  // Every path whose value differs, in path order. Cost follows what is not shared (and, where both
  // roots are known, what is not equal), not the size.
  static void diff(const StateTree& before, const StateTree& after, const DiffVisitor& visit);

  // Equal content.
  friend bool operator==(const StateTree& a, const StateTree& b) { return a.root() == b.root(); }

 private:
  struct Node;
  // Shared across threads, hence the atomic count of shared_ptr.
  using Ref = std::shared_ptr<Node>;
  struct Walk;
  struct Change;
  struct Diff;

  Ref root_;
  std::size_t size_ = 0;
};

}  // namespace orrery::chain

// What a light client sees of the state: the hash of a tree node, and proofs that a path is present
// with a value, or absent, under a root. Needs no tree; state_tree.h builds the proofs.
//
// The state is a radix tree over the bytes of paths. A node holds the bytes it adds to the path
// (its prefix), perhaps a value, and children by next byte, ascending. Except for the root, whose
// prefix is empty, a node has a value or at least two children, so content alone fixes the shape. A
// node hashes as SHA-256 of: 0x01 | u16 prefix length | prefix | value | u16 children | (byte,
// hash) each; `value` is 0 for none, 1 | u8 length | bytes up to 32 bytes, 2 | SHA-256(0x02 |
// bytes) above. State roots are bound to a chain by the block header that carries them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/codec.h"
#include "engine/base/hash.h"
#include "engine/base/result.h"

namespace orrery::chain {

inline constexpr std::size_t kMaxStatePath = 256;        // bytes; bounds the depth of every walk
inline constexpr std::size_t kMaxStateValue = 1u << 20;  // bytes; a block has no more
inline constexpr std::size_t kInlineStateValue = 32;     // up to here a node's hash holds the value

// How a node's hash commits to its value.
struct ValueCommitment {
  enum class Kind : std::uint8_t { kNone, kInline, kHash };
  Kind kind = Kind::kNone;
  std::uint8_t size = 0;                 // of an inline value
  std::array<std::uint8_t, 32> bytes{};  // the value, padded with zeros, or its hash

  static ValueCommitment to(ByteView value);
  bool operator==(const ValueCommitment&) const = default;
};

// The bytes that a node's hash covers, written in order: head, then each child, then hash().
class NodePreimage {
 public:
  void head(std::string_view prefix, const ValueCommitment& value, std::size_t children);
  void child(std::uint8_t byte, const Hash256& hash);
  Hash256 hash() const { return sha256(bytes_); }

 private:
  Bytes bytes_;
};

// The nodes from the root towards a path. Every node but the last leaves out the child that leads
// to the next one: the verifier fills its hash in.
struct StateProof {
  // No honest proof is larger: a byte of path costs at most one node of 256 children.
  static constexpr std::size_t kMaxBytes = 4u << 20;

  struct Child {
    std::uint8_t byte = 0;
    Hash256 hash;
    bool operator==(const Child&) const = default;
  };
  struct Node {
    std::string prefix;
    ValueCommitment value;
    std::vector<Child> children;  // bytes strictly ascending
    bool operator==(const Node&) const = default;
  };
  std::vector<Node> nodes;
  std::optional<Bytes> value;  // of the path, if present

  bool operator==(const StateProof&) const = default;
  Bytes encode() const;
  static Result<StateProof> decode(ByteView bytes);
};

// The value at `path` under `root`, or nothing if the proof shows that there is none. kRefused if
// the proof shows neither.
Result<std::optional<Bytes>> verify_state(const Hash256& root, std::string_view path,
                                          const StateProof& proof);

}  // namespace orrery::chain

// Merkle trees over lists, as in RFC 6962 section 2.1: leaves hash with a 0x00 prefix and inner
// nodes with 0x01, the left subtree is the largest full one. For transactions of a block and
// transcripts; the state has its own tree (state_tree.h).
//
// A root alone does not fix the number of leaves, so a verifier takes the size from where the root
// was committed (a header, a transcript commitment), never from the prover.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/codec.h"
#include "engine/base/hash.h"

namespace orrery::chain {

Hash256 merkle_leaf(ByteView content);                           // SHA-256(0x00 | content)
Hash256 merkle_node(const Hash256& left, const Hash256& right);  // SHA-256(0x01 | left | right)
// Root over leaf hashes; of no leaves, SHA-256("orrery/merkle/empty/1").
Hash256 merkle_root(std::span<const Hash256> leaves);
// Siblings from the leaf up to the root. ENSUREs index < leaves.size(). Costs leaves.size() hashes.
std::vector<Hash256> merkle_path(std::span<const Hash256> leaves, std::uint64_t index);

struct MerkleClaim {
  Hash256 root;
  std::uint64_t size = 0;   // leaves under the root, from the commitment
  std::uint64_t index = 0;  // of the leaf
};
[[nodiscard]] bool merkle_verify(const MerkleClaim& claim, const Hash256& leaf,
                                 std::span<const Hash256> path);

void encode_merkle_path(Writer& out, std::span<const Hash256> path);
std::vector<Hash256> decode_merkle_path(Reader& in);  // at most 64 hashes

}  // namespace orrery::chain

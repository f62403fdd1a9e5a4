#include "protocol/types/merkle.h"

#include <algorithm>
#include <bit>

#include "engine/base/ensure.h"

namespace orrery::chain {
namespace {

constexpr std::uint8_t kLeaf = 0x00;
constexpr std::uint8_t kNode = 0x01;
constexpr std::uint32_t kMaxPath = 64;  // sizes are 64-bit

// Leaves of the left subtree: the largest power of two below n, for n > 1.
std::uint64_t left_size(std::uint64_t n) { return std::bit_floor(n - 1); }

// Root that leaf, path and position lead to; consumes siblings from the end (the root's) of `path`.
bool climb(std::uint64_t index, std::uint64_t size, std::span<const Hash256> path, Hash256& hash) {
  if (size == 1) return path.empty();
  if (path.empty()) return false;
  const Hash256& sibling = path.back();
  const std::uint64_t left = left_size(size);
  if (index < left) {
    if (!climb(index, left, path.first(path.size() - 1), hash)) return false;
    hash = merkle_node(hash, sibling);
  } else {
    if (!climb(index - left, size - left, path.first(path.size() - 1), hash)) return false;
    hash = merkle_node(sibling, hash);
  }
  return true;
}

}  // namespace

Hash256 merkle_leaf(ByteView content) {
  return Sha256().update(ByteView(&kLeaf, 1)).update(content).finish();
}

Hash256 merkle_node(const Hash256& left, const Hash256& right) {
  std::array<std::uint8_t, 65> bytes;
  bytes[0] = kNode;
  std::copy(left.bytes.begin(), left.bytes.end(), bytes.begin() + 1);
  std::copy(right.bytes.begin(), right.bytes.end(), bytes.begin() + 33);
  return sha256(bytes);
}

Hash256 merkle_root(std::span<const Hash256> leaves) {
  if (leaves.empty()) return sha256(as_bytes("orrery/merkle/empty/1"));
  if (leaves.size() == 1) return leaves[0];
  const std::uint64_t left = left_size(leaves.size());
  return merkle_node(merkle_root(leaves.first(left)), merkle_root(leaves.subspan(left)));
}

std::vector<Hash256> merkle_path(std::span<const Hash256> leaves, std::uint64_t index) {
  ENSURE(index < leaves.size(), "a path starts at a leaf");
  std::vector<Hash256> path;
  while (leaves.size() > 1) {
    const std::uint64_t left = left_size(leaves.size());
    const bool go_left = index < left;
    path.push_back(merkle_root(go_left ? leaves.subspan(left) : leaves.first(left)));
    leaves = go_left ? leaves.first(left) : leaves.subspan(left);
    if (!go_left) index -= left;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

bool merkle_verify(const MerkleClaim& claim, const Hash256& leaf, std::span<const Hash256> path) {
  if (claim.index >= claim.size || path.size() > kMaxPath) return false;
  Hash256 hash = leaf;
  return climb(claim.index, claim.size, path, hash) && hash == claim.root;
}

void encode_merkle_path(Writer& out, std::span<const Hash256> path) {
  out.u32(static_cast<std::uint32_t>(path.size()));
  for (const Hash256& hash : path) out.hash(hash);
}

std::vector<Hash256> decode_merkle_path(Reader& in) {
  std::vector<Hash256> path(in.count(kMaxPath, 32));
  for (Hash256& hash : path) hash = in.hash();
  return path;
}

}  // namespace orrery::chain

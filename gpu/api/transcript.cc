// Tree shape: level by level, an odd last node moves up unchanged (the shape of RFC 6962). Leaves,
// inner nodes and the root are hashed under different tags, and the root binds the leaf count, so
// no node can pass for another and no tree for one of another size.
#include "gpu/api/transcript.h"

#include <algorithm>
#include <bit>

#include "engine/base/codec.h"
#include "engine/base/ensure.h"
#include "gpu/api/exact/leaf.h"

namespace orrery::gpu {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are hashed as they lie in memory");

constexpr std::uint32_t kMaxDepth = 64;

Hash256 node_hash(const Hash256& left, const Hash256& right) {
  return Sha256()
      .update(as_bytes("orrery.transcript.node.v1"))
      .update(left.view())
      .update(right.view())
      .finish();
}

Hash256 root_hash(std::uint64_t leaves, const Hash256& top) {
  Writer count;
  count.u64(leaves);
  return Sha256()
      .update(as_bytes("orrery.transcript.root.v1"))
      .update(count.view())
      .update(top.view())
      .finish();
}

std::vector<Hash256> next_level(const std::vector<Hash256>& level) {
  std::vector<Hash256> up;
  up.reserve(level.size() / 2 + 1);
  for (std::size_t i = 0; i + 1 < level.size(); i += 2) {
    up.push_back(node_hash(level[i], level[i + 1]));
  }
  if (level.size() % 2 == 1) up.push_back(level.back());
  return up;
}

}  // namespace

std::optional<Bisection> first_differing_leaf(const Transcript& a, const Transcript& b) {
  ENSURE(a.leaves() == b.leaves() && a.leaves() > 0, "trees of one size");
  const auto levels = [](std::vector<Hash256> level) {
    std::vector<std::vector<Hash256>> all{std::move(level)};
    while (all.back().size() > 1) all.push_back(next_level(all.back()));
    return all;
  };
  const auto mine = levels(a.leaves_);
  const auto theirs = levels(b.leaves_);
  if (mine.back() == theirs.back()) return std::nullopt;
  Bisection found{0, 0};
  for (std::size_t l = mine.size() - 1; l-- > 0; ++found.rounds) {
    const std::uint64_t left = 2 * found.leaf;
    found.leaf = mine[l][left] != theirs[l][left] ? left : left + 1;
  }
  return found;
}

Transcript::Transcript(std::uint32_t layers, std::uint32_t dim, bool keep_rows)
    : layers_(layers), dim_(dim), keep_rows_(keep_rows) {}

void Transcript::set(const TranscriptRow& row) {
  ENSURE(row.layer < layers_ && row.row.size() == dim_, "a row of the model's shape");
  grow_to(row.position);
  const std::uint64_t i = index(row.position, row.layer);
  leaves_[i] = transcript_leaf(row);
  if (keep_rows_) std::copy(row.row.begin(), row.row.end(), rows_.begin() + i * dim_);
}

void Transcript::set_leaf(std::uint32_t position, std::uint32_t layer, const Hash256& leaf) {
  ENSURE(layer < layers_ && !keep_rows_, "a leaf of a transcript that keeps no rows");
  grow_to(position);
  leaves_[index(position, layer)] = leaf;
}

void Transcript::grow_to(std::uint32_t position) {
  const std::size_t needed = (static_cast<std::size_t>(position) + 1) * layers_;
  if (needed <= leaves_.size()) return;
  leaves_.resize(needed);
  if (keep_rows_) rows_.resize(needed * dim_);
}

Hash256 Transcript::root() const {
  ENSURE(!leaves_.empty(), "a transcript of an execution has leaves");
  std::vector<Hash256> level = leaves_;
  while (level.size() > 1) level = next_level(level);
  return root_hash(leaves_.size(), level.front());
}

MerkleProof Transcript::prove(std::uint32_t position, std::uint32_t layer) const {
  MerkleProof proof{index(position, layer), leaves_.size(), {}};
  ENSURE(layer < layers_ && proof.index < proof.leaves, "a leaf of the transcript");
  std::vector<Hash256> level = leaves_;
  for (std::uint64_t i = proof.index; level.size() > 1; i /= 2) {
    if ((i ^ 1) < level.size()) proof.siblings.push_back(level[i ^ 1]);
    level = next_level(level);
  }
  return proof;
}

std::span<const std::int32_t> Transcript::row(std::uint32_t position, std::uint32_t layer) const {
  ENSURE(layer < layers_ && index(position, layer) < leaves_.size(), "a leaf of the transcript");
  if (!keep_rows_) return {};
  return std::span(rows_).subspan(index(position, layer) * dim_, dim_);
}

Hash256 transcript_leaf(const TranscriptRow& row) {
  Writer head;
  head.u32(row.position).u32(row.layer).u32(row.token);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(row.row.data());
  return Sha256()
      .update(as_bytes({exact::kLeafTag.text, exact::LeafTag::kBytes}))
      .update(head.view())
      .update(ByteView(bytes, row.row.size_bytes()))
      .finish();
}

bool verify_row(const Hash256& root, const TranscriptRow& row, std::uint32_t layers,
                const MerkleProof& proof) {
  if (row.layer >= layers || proof.index >= proof.leaves) return false;
  if (proof.index != static_cast<std::uint64_t>(row.position) * layers + row.layer) return false;
  Hash256 node = transcript_leaf(row);
  std::uint64_t i = proof.index;
  std::size_t used = 0;
  for (std::uint64_t width = proof.leaves; width > 1; width = width / 2 + width % 2, i /= 2) {
    if ((i ^ 1) >= width) continue;  // an odd last node
    if (used == proof.siblings.size()) return false;
    const Hash256& sibling = proof.siblings[used++];
    node = i % 2 == 0 ? node_hash(node, sibling) : node_hash(sibling, node);
  }
  return used == proof.siblings.size() && root_hash(proof.leaves, node) == root;
}

Bytes MerkleProof::encode() const {
  Writer out;
  out.u64(index).u64(leaves).u32(static_cast<std::uint32_t>(siblings.size()));
  for (const Hash256& h : siblings) out.hash(h);
  return out.take();
}

Result<MerkleProof> MerkleProof::decode(ByteView bytes) {
  Reader in(bytes);
  MerkleProof proof;
  proof.index = in.u64();
  proof.leaves = in.u64();
  const std::uint32_t count = in.count(kMaxDepth, 32);
  for (std::uint32_t i = 0; i < count; ++i) proof.siblings.push_back(in.hash());
  TRY(in.finish());
  return proof;
}

}  // namespace orrery::gpu

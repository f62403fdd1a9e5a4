// The transcript of an execution: a Merkle tree over (position, layer) whose leaf hashes the token
// at the position and the residual row that left the layer. Equal roots mean equal intermediate
// states, so a dispute can be narrowed to one layer of one token by opening leaves.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/result.h"

namespace orrery::gpu {

// One (token, layer): the preimage of a leaf. `row` is the residual stream in Q16.
struct TranscriptRow {
  std::uint32_t position = 0;
  std::uint32_t layer = 0;
  std::uint32_t token = 0;  // the id fed at this position
  std::span<const std::int32_t> row;
};

// Opens leaf position * layers + layer of a tree of `leaves` leaves.
struct MerkleProof {
  std::uint64_t index = 0;
  std::uint64_t leaves = 0;
  std::vector<Hash256> siblings;  // from the leaf upwards

  Bytes encode() const;
  static Result<MerkleProof> decode(ByteView bytes);
  friend bool operator==(const MerkleProof&, const MerkleProof&) = default;
};

class Transcript;

// Where two parties who claim different roots first disagree.
struct Bisection {
  std::uint64_t leaf;    // position * layers + layer; all leaves before it are equal
  std::uint32_t rounds;  // in each, both sent the hash of one left child
};
// Walks both trees from their roots. Nothing if they agree; ENSUREs that they have equally many
// leaves (their roots bind the numbers, so another number is settled by opening it).
std::optional<Bisection> first_differing_leaf(const Transcript& a, const Transcript& b);

class Transcript {
 public:
  // keep_rows: also keep the residual rows (dim * 4 bytes a leaf), which a prover opens.
  Transcript(std::uint32_t layers, std::uint32_t dim, bool keep_rows);

  // Leaves come in any order within a batch of positions, each exactly once; rows have `dim`
  // entries.
  void set(const TranscriptRow& row);
  // The same for a backend that hashed the row where it lies; only where rows are not kept.
  void set_leaf(std::uint32_t position, std::uint32_t layer, const Hash256& leaf);

  bool keeps_rows() const { return keep_rows_; }
  std::uint64_t leaves() const { return leaves_.size(); }
  // The root binds the number of leaves. ENSUREs that there is at least one leaf.
  Hash256 root() const;
  // index < leaves().
  MerkleProof prove(std::uint32_t position, std::uint32_t layer) const;
  // The kept row of one leaf; empty if rows are not kept.
  std::span<const std::int32_t> row(std::uint32_t position, std::uint32_t layer) const;

 private:
  friend std::optional<Bisection> first_differing_leaf(const Transcript& a, const Transcript& b);
  // Makes room for all layers of a position.
  void grow_to(std::uint32_t position);
  std::uint64_t index(std::uint32_t position, std::uint32_t layer) const {
    return static_cast<std::uint64_t>(position) * layers_ + layer;
  }

  std::uint32_t layers_;
  std::uint32_t dim_;
  bool keep_rows_;
  std::vector<Hash256> leaves_;
  std::vector<std::int32_t> rows_;
};

// SHA-256("orrery.transcript.leaf.v1" || position || layer || token || row), little endian.
Hash256 transcript_leaf(const TranscriptRow& row);

// True if the row is leaf position * layers + layer under `root`, in a tree of proof.leaves leaves.
bool verify_row(const Hash256& root, const TranscriptRow& row, std::uint32_t layers,
                const MerkleProof& proof);

}  // namespace orrery::gpu

// Who has what: ids of transactions, blocks and votes, with the peers that are known to have each,
// and whether this node has received it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/base/hash.h"

namespace orrery::chain {

// A set of peers, one bit for the seat of each.
using Seats = std::uint64_t;
inline constexpr std::uint32_t kSeats = 64;

// Bounded: two generations of at most kCapacity ids each. When the young one is full it becomes the
// old one, and the old one is forgotten; what is forgotten is told or asked for once more.
//
// A node asks for every id that each of its peers announces, and among thousands of nodes each
// question misses the caches. So an id is kept as 62 bits of its SHA-256 beside its peers, open
// addressing in one array: a question touches one cache line, and prefetch() brings the lines of
// many questions at once. An id that collides with a given one costs 2^62 hashes to make, and gains
// that some node is told of one of the two by fewer peers.
class KnownIds {
 public:
  static constexpr std::size_t kCapacity = 4096;

  // A seat for a new peer, which has nothing yet. There are as many as kSeats.
  std::uint32_t seat();
  void leave(std::uint32_t seat);

  struct Known {
    bool noted = false;     // anything is known of the id
    bool received = false;  // by this node
    Seats seats = 0;        // of peers that have it
  };
  Known find(const Hash256& id) const;
  // The peers have it too.
  void note(const Hash256& id, Seats seats);
  // False if this node had it before.
  bool receive(const Hash256& id);
  void prefetch(const Hash256& id) const;

 private:
  struct Entry {
    std::uint64_t key = 0;  // bits of the id, kReceived, the generation; zero: free
    Seats seats = 0;
  };

  // Where the key is, or the free place where it would be. There is a free one.
  std::size_t place_of(std::uint64_t key) const;
  Entry& find_or_add(const Hash256& id);
  // Copies into a table of `places`: all, or the young generation alone.
  void rebuild(std::size_t places, bool young_only);

  std::vector<Entry> entries_;
  std::size_t young_count_ = 0;
  std::size_t old_count_ = 0;
  std::uint64_t young_ = 0;  // the generation bit of the young
  Seats free_ = ~Seats{0};   // seats of nobody, which nothing is known of
  Seats left_ = 0;           // seats of nobody, which entries may still name
};

}  // namespace orrery::chain

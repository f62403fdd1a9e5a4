// Lists of 16-byte entries in chunks of 256 bytes from a pool, so that thousands of short lists
// that grow and shrink all the time cost neither allocations nor empty capacity. Internal to
// engine/sim.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/integer.h"

namespace orrery::sim {

// A pending event as one number: the order of events is the order of numbers. The upper 64 bits are
// its time in nanoseconds.
using Entry = u128;
constexpr std::uint64_t time_of(Entry entry) { return static_cast<std::uint64_t>(entry >> 64); }

struct alignas(64) Chunk {
  static constexpr std::uint32_t kEntries = 15;
  Entry entries[kEntries];
  Chunk* next;
};
static_assert(sizeof(Chunk) == 256);

// Hands out chunks and takes them back, last in first out (the warmest one comes first). A chunk
// may come back to another pool than the one that made it: the memory stays with its maker, so
// pools that exchange chunks live equally long. One thread at a time.
class ChunkPool {
 public:
  ChunkPool() = default;
  ChunkPool(ChunkPool&&) = default;
  ChunkPool& operator=(ChunkPool&&) = default;

  Chunk* take() {
    if (free_ == nullptr) grow();
    Chunk* chunk = free_;
    free_ = chunk->next;
    return chunk;
  }
  void give_back(Chunk* chunk) {
    chunk->next = free_;
    free_ = chunk;
  }

 private:
  static constexpr std::size_t kFirstSlab = 16;    // 4 KiB: small worlds stay small
  static constexpr std::size_t kLargeSlab = 2048;  // 512 KiB: few allocations in large ones

  void grow() {
    const std::size_t size =
        std::min(kLargeSlab, kFirstSlab << std::min<std::size_t>(slabs_.size(), 16));
    slabs_.push_back(std::make_unique_for_overwrite<Chunk[]>(size));
    for (std::size_t i = size; i-- > 0;) give_back(&slabs_.back()[i]);
  }

  std::vector<std::unique_ptr<Chunk[]>> slabs_;
  Chunk* free_ = nullptr;
};

// A bag of entries. Its chunks belong to the pool that is passed, which is the same one as long as
// entries come; any pool may take the chunks in the end. 16 bytes, so that arrays of lists are
// dense.
class ChunkList {
 public:
  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void push(ChunkPool& pool, Entry entry) {
    if (room_ == 0) {
      Chunk* chunk = pool.take();
      chunk->next = head_;
      head_ = chunk;
      room_ = Chunk::kEntries;
    }
    head_->entries[--room_] = entry;
    ++size_;
  }

  // Calls visit(entry) for each entry, in no particular order.
  template <class Visit>
  void for_each(Visit visit) const {
    std::uint32_t first = room_;
    for (const Chunk* chunk = head_; chunk != nullptr; chunk = chunk->next) {
      for (std::uint32_t i = first; i < Chunk::kEntries; ++i) visit(chunk->entries[i]);
      first = 0;
    }
  }
  // The same, and leaves the list empty. `visit` may push into other lists of the pool.
  template <class Visit>
  void drain(ChunkPool& pool, Visit visit) {
    std::uint32_t first = room_;
    for (Chunk* chunk = head_; chunk != nullptr;) {
      for (std::uint32_t i = first; i < Chunk::kEntries; ++i) visit(chunk->entries[i]);
      first = 0;
      Chunk* next = chunk->next;
      pool.give_back(chunk);
      chunk = next;
    }
    *this = ChunkList{};
  }

 private:
  Chunk* head_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t room_ = 0;  // free places of the head chunk; the others are full
};
static_assert(sizeof(ChunkList) == 16);

}  // namespace orrery::sim

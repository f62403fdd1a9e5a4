// The disk of a simulated node: an ordered map whose recent writes can be undone. It outlives the
// node object and belongs to the node's host. A crash undoes what no Synced has confirmed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/env/env.h"

namespace orrery::sim {

class SimStore final : public env::Store {
 public:
  // A node that writes this much without asking for durability has forgotten to.
  static constexpr std::size_t kMaxUnsynced = std::size_t{1} << 24;

  // Called by sync(); whoever drives the store answers later with mark_durable().
  using SyncFunction = std::function<void(std::uint64_t sequence, env::Cookie cookie)>;

  explicit SimStore(SyncFunction on_sync) : on_sync_(std::move(on_sync)) {}

  std::uint64_t apply(env::WriteBatch batch) override;
  void sync(std::uint64_t sequence, env::Cookie cookie) override;
  std::optional<Buffer> get(ByteView key) const override;
  std::vector<env::KeyValue> scan(ByteView begin, ByteView end, std::size_t limit) const override;
  std::uint64_t snapshot() override;
  std::optional<Buffer> get_at(std::uint64_t snapshot, ByteView key) const override;
  void release(std::uint64_t snapshot) override;

  // Everything up to `sequence` now survives crashes.
  void mark_durable(std::uint64_t sequence);
  // Undoes all batches that are not durable and forgets snapshots. Returns the writes undone.
  std::uint64_t crash();
  // Loses everything. Returns the keys lost.
  std::uint64_t wipe();

  std::uint64_t sequence() const { return sequence_; }
  std::uint64_t durable_sequence() const { return durable_; }
  // What a crash at this moment would leave of `key`.
  std::optional<Buffer> durable(ByteView key) const;
  std::size_t size() const { return map_.size(); }

 private:
  struct Less {
    using is_transparent = void;
    bool operator()(ByteView a, ByteView b) const;
  };
  using Map = std::map<Bytes, Buffer, Less>;
  struct Undo {
    std::uint64_t sequence;
    Bytes key;
    std::optional<Buffer> before;
  };

  static std::optional<Buffer> find(const Map& map, ByteView key);
  void put(const Bytes& key, std::optional<Buffer> value);
  const Map& snapshot_map(std::uint64_t snapshot) const;

  SyncFunction on_sync_;
  Map map_;
  std::vector<Undo> undo_;  // ascending sequence, all above durable_
  std::uint64_t sequence_ = 0;
  std::uint64_t durable_ = 0;
  // A snapshot is a copy of the map (its Buffers are shared): linear, but snapshots are rare and
  // reads of one then cost what plain reads cost. Neighbours without a write between share it.
  std::vector<std::pair<std::uint64_t, std::shared_ptr<const Map>>> snapshots_;
  std::shared_ptr<const Map> last_copy_;  // valid until the next write
  std::uint64_t next_snapshot_ = 1;
};

}  // namespace orrery::sim

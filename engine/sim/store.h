// The disk of a simulated node: an ordered map whose recent writes can be undone. It outlives the
// node object and belongs to the node's host. A crash undoes what no Synced has confirmed. What can
// be wrong with it, and how that is modelled, is in disk.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/random.h"
#include "engine/env/env.h"
#include "engine/sim/disk.h"

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

  // Everything up to `sequence` now survives crashes (but for writes that were lost unnoticed).
  void mark_durable(std::uint64_t sequence);
  // A sync up to `sequence` reaches the disk; the answer is whether it may be called durable. No
  // if a write or sync has failed in this life, as nothing is written after a failure.
  bool finish_sync(std::uint64_t sequence);
  // What the node is stopped for, once its handler has returned.
  DiskFailure failure() const { return failure_; }

  // The machine goes down. By `how`, batches that are not durable are lost or kept, snapshots are
  // forgotten, and lost writes come to light. `draws` is used where something is drawn. A torn
  // record is dropped when the store is opened again, unless it is `unnoticed`. Returns the writes
  // (kWipe: the keys) that are gone.
  std::uint64_t crash(CrashLoss how, RandomStream draws, bool unnoticed = false);
  std::uint64_t crash() { return crash(CrashLoss::kLoseUnsynced, {}); }
  // Loses everything. Returns the keys lost.
  std::uint64_t wipe();

  // A fault in force until end_fault. `key` makes its draws its own.
  void begin_fault(std::uint32_t fault, const DiskFault& spec, std::uint64_t key);
  void end_fault(std::uint32_t fault);
  // What syncs take longer.
  Duration stall() const;
  // Records that reads of now would get wrong or not at all, bad sectors apart.
  std::size_t damaged() const { return damage_.size(); }

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
  static constexpr std::uint32_t kNoFault = UINT32_MAX;
  struct Undo {
    std::uint64_t sequence;
    Bytes key;
    std::optional<Buffer> before;
    std::uint32_t lost_by = kNoFault;  // the fault that keeps it from the disk
  };
  struct Write {  // an Undo with what it undid
    Undo undo;
    std::optional<Buffer> after;
  };
  // Lies over the record in the map: not readable, or another value (none: hidden).
  struct Damage {
    std::uint32_t fault;
    bool readable;
    std::optional<Buffer> value;
  };
  struct Lost {  // acknowledged as durable, but the disk has `before`
    std::uint32_t fault;
    std::optional<Buffer> before;
  };
  struct Running {
    std::uint32_t fault;
    DiskFault spec;
    std::uint64_t key;
  };

  static std::optional<Buffer> find(const Map& map, ByteView key);
  void put(const Bytes& key, std::optional<Buffer> value);
  const Map& snapshot_map(std::uint64_t snapshot) const;

  const Running* running(DiskFaultKind kind) const;
  std::optional<Buffer> read(const Map& map, ByteView key) const;
  [[noreturn]] void unreadable() const;
  bool on_bad_sector(ByteView key, const std::optional<Buffer>& value) const;
  std::vector<env::KeyValue> scan_damaged(ByteView begin, ByteView end, std::size_t limit) const;
  std::uint32_t lose(const env::WriteOp& op, std::size_t place);
  void rot(const Running& fault);
  std::vector<Write> unwind();
  std::uint64_t keep(std::vector<Write> writes, CrashLoss how, RandomStream draws, bool unnoticed);
  bool keep_torn(const Write& write, RandomStream& draws, bool unnoticed);

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

  std::vector<Running> faults_;  // in the order of their begin
  std::map<Bytes, Damage, Less> damage_;
  std::map<Bytes, Lost, Less> lost_;
  mutable DiskFailure failure_ = DiskFailure::kNone;  // of this life
};

}  // namespace orrery::sim

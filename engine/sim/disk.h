// What can be wrong with a simulated disk, as plain data. The store (store.h) brings it about.
//
// The model: values lie in sectors of 512 bytes, written whole or not at all. Records carry a
// checksum over key and value, as those of a real store do, so a damaged record cannot be read: the
// read throws env::StoreFailed and the node stops. A fault with `unnoticed` gets past the checksum:
// the node reads wrong bytes. Damage lies over the true bytes: it goes away when its fault ends or
// when the record is written again.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/disk_budget.h"
#include "engine/base/time.h"

namespace orrery::sim {

inline constexpr std::size_t kSectorBytes = 512;

// What a crash does to the writes that no sync has confirmed.
enum class CrashLoss : std::uint8_t {
  kLoseUnsynced,  // all of them are lost
  kWipe,          // the whole disk is lost
  kKeepPrefix,    // the first batches are kept, a drawn number of them
  kKeepSubset,    // each batch is kept or lost, drawn: the disk wrote them in an order of its own
  kTorn,          // a prefix; of the batch after it, each write is kept, lost or torn, drawn
};

enum class DiskFaultKind : std::uint8_t {
  kRot,          // a share of the sectors written so far goes bad; writing a record again heals it
  kBadSectors,   // a share of all sectors, now and later; writing does not help
  kLostWrites,   // a share of the writes never reaches the disk; a restart finds what was before
  kMisdirected,  // a share of the writes lands on the next record: both are wrong
  kStall,        // a sync takes `delay` longer
  kFull,         // nothing more can be written
  kSyncFails,    // a sync fails and forgets: what it was to save never reaches the disk
};

struct DiskFault {
  DiskFaultKind kind = DiskFaultKind::kRot;
  std::uint32_t share_ppm = 1'000'000;  // of sectors (kRot, kBadSectors) or writes
  Duration delay{};                     // kStall
  // kRot, kMisdirected: checksums pass. kSyncFails: the sync claims success. Without meaning else.
  bool unnoticed = false;
  bool operator==(const DiskFault&) const = default;
};

// True for faults that can lose what is final: only so many disks may have one (see
// damageable_disks).
constexpr bool destroys(DiskFaultKind kind) {
  return kind != DiskFaultKind::kStall && kind != DiskFaultKind::kFull;
}

// Why a store stopped its node; n0 of env::kStoreFailed.
enum class DiskFailure : std::uint8_t { kNone, kUnreadable, kFull, kSyncFailed };

constexpr std::string_view describe(DiskFailure failure) {
  switch (failure) {
    case DiskFailure::kNone: return "";
    case DiskFailure::kUnreadable: return "the store cannot read: a record is damaged";
    case DiskFailure::kFull: return "the store cannot write: no space left";
    case DiskFailure::kSyncFailed: return "the store cannot sync";
  }
  return "";
}

}  // namespace orrery::sim

// Keys of the items of `timeline`.
#include "scenarios/schema/fields_links.h"

namespace orrery::scenario {
namespace {

constexpr i128 kSecond = 1'000'000'000;
constexpr i128 kDay = 86400 * kSecond;

// Bits of the kinds of faults, in the order of FaultKind.
enum : std::uint32_t {
  kPartition = 1,
  kCrash = 2,
  kBehave = 4,
  kClock = 8,
  kLink = 16,
  kDisk = 32,
  kClog = 64,
  kReset = 128,
  kHalfOpen = 256,
  kChurn = 512,
  kAll = 1023,
};

using T = FaultDraft;
using S = FaultSpec;

void add_common(SectionBuilder<T>& b) {
  b.add<&T::spec, &S::at>(
      {.name = "at", .type = Type::kTime, .meaning = "When it begins.", .required = true});
  b.add<&T::action>(
      {.name = "do",
       .type = Type::kChoice,
       .meaning = "Partition: messages do not reach the other side; crash: stop and lose disk "
                  "contents; behave: act as an adversary; clock: clocks go wrong; link: change "
                  "links; disk: disks go wrong; clog: nothing moves, nothing is lost; reset: "
                  "sessions break; half-open: sessions break unnoticed by the peers; churn: leave "
                  "and come back again and again.",
       .required = true,
       .choices = {"partition", "crash", "behave", "clock", "link", "disk", "clog", "reset",
                   "half-open", "churn"}});
  b.add<&T::spec, &S::name>({.name = "name",
                             .type = Type::kName,
                             .meaning = "Name, for asserts and the report.",
                             .default_note = "<do>-<position>"});
  b.add<&T::targets>({.name = "targets",
                      .type = Type::kSelector,
                      .meaning = "Nodes that it happens to.",
                      .allowed_for = kAll & ~kPartition,
                      .required_for = kAll & ~kPartition});
  b.add<&T::spec, &S::duration>({.name = "for",
                                 .type = Type::kDuration,
                                 .meaning = "How long it lasts.",
                                 .min = 1,
                                 .allowed_for = kAll & ~(kCrash | kReset | kHalfOpen),
                                 .default_note = "until the end"});
}

void add_partition(SectionBuilder<T>& b) {
  b.add<&T::sides>({.name = "sides",
                    .type = Type::kSelectors,
                    .meaning = "Two or more disjoint sets of nodes. Or, in one direction, from and "
                               "to.",
                    .allowed_for = kPartition});
  b.add<&T::from>({.name = "from",
                   .type = Type::kSelector,
                   .meaning = "Nodes whose messages do not arrive at those of to.",
                   .allowed_for = kPartition});
  b.add<&T::to>({.name = "to",
                 .type = Type::kSelector,
                 .meaning = "Nodes that hear nothing of those of from.",
                 .allowed_for = kPartition});
}

void add_crash(SectionBuilder<T>& b) {
  b.add<&T::restart_after>({.name = "restart_after",
                            .type = Type::kDuration,
                            .meaning = "Time until the nodes come back.",
                            .min = 1,
                            .allowed_for = kCrash,
                            .default_note = "never"});
  b.add<&T::spec, &S::disk_loss>(
      {.name = "disk",
       .type = Type::kChoice,
       .meaning = "What the disk loses: the writes not yet synced; all; of the writes not yet "
                  "synced, those after a point that is drawn; some of them, drawn; or one batch is "
                  "torn in the middle.",
       .choices = {"lose-unsynced", "wipe", "keep-prefix", "keep-subset", "torn"},
       .allowed_for = kCrash});
  b.add<&T::spec, &S::behaviour>({.name = "behaviour",
                                  .type = Type::kName,
                                  .meaning = "Name of the adversary, or honest.",
                                  .allowed_for = kBehave,
                                  .required_for = kBehave});
}

void add_clock(SectionBuilder<T>& b) {
  b.add<&T::spec, &S::clock>(
      {.name = "mode",
       .type = Type::kChoice,
       .meaning = "Offset: the wall clock is off while it lasts; step: it jumps and stays; slew: "
                  "it jumps and is brought back evenly; drift: both clocks run at another rate; "
                  "ntp-loss: so, and the claimed error grows with it; claim: the claimed error is "
                  "wrong.",
       .choices = {"offset", "step", "slew", "drift", "ntp-loss", "claim"},
       .allowed_for = kClock});
  b.add<&T::spec, &S::offset>({.name = "offset",
                               .type = Type::kDuration,
                               .meaning = "How far the wall clocks move; may be negative.",
                               .min = -kDay,
                               .max = kDay,
                               .allowed_for = kClock,
                               .default_note = "none"});
  b.add<&T::spec, &S::drift_ppb>({.name = "drift",
                                  .type = Type::kPpb,
                                  .meaning = "How much too fast they run; may be negative.",
                                  .min = -10'000'000,
                                  .max = 10'000'000,
                                  .allowed_for = kClock,
                                  .default_note = "none"});
  b.add<&T::spec, &S::error>({.name = "error",
                              .type = Type::kDuration,
                              .meaning = "The error that they claim to have at most.",
                              .max = kDay,
                              .allowed_for = kClock,
                              .default_note = "none"});
}

void add_disk(SectionBuilder<T>& b) {
  b.add<&T::spec, &S::disk>(
      {.name = "kind",
       .type = Type::kChoice,
       .meaning = "Rot: sectors written so far go bad; bad-sectors: whatever is written; "
                  "lost-writes: writes vanish although syncs succeed; misdirected: they land on "
                  "another record; stall: syncs take longer; full: no space; sync-fails: syncs "
                  "fail and forget.",
       .choices = {"rot", "bad-sectors", "lost-writes", "misdirected", "stall", "full",
                   "sync-fails"},
       .allowed_for = kDisk,
       .required_for = kDisk});
  b.add<&T::spec, &S::share_ppm>({.name = "share",
                                  .type = Type::kPpm,
                                  .meaning = "Part of the sectors, or of the writes.",
                                  .min = 1,
                                  .max = 1'000'000,
                                  .allowed_for = kDisk});
  b.add<&T::spec, &S::delay>({.name = "delay",
                              .type = Type::kDuration,
                              .meaning = "How much longer a sync takes.",
                              .max = 3600 * kSecond,
                              .allowed_for = kDisk,
                              .default_note = "none"});
  b.add<&T::spec, &S::unnoticed>(
      {.name = "unnoticed",
       .type = Type::kBoolean,
       .meaning = "Checksums do not tell that a record is damaged, nor a sync that it failed.",
       .allowed_for = kDisk | kCrash});
}

void add_clog_and_churn(SectionBuilder<T>& b) {
  b.add<&T::spec, &S::swizzle>(
      {.name = "swizzle",
       .type = Type::kBoolean,
       .meaning = "A drawn half of the targets is clogged one by one and freed in another order.",
       .allowed_for = kClog});
  b.add<&T::spec, &S::every>({.name = "every",
                              .type = Type::kDuration,
                              .meaning = "Mean time that a node stays before it leaves.",
                              .min = 1'000'000,
                              .max = 366 * kDay,
                              .allowed_for = kChurn,
                              .required_for = kChurn});
  b.add<&T::spec, &S::away>({.name = "away",
                             .type = Type::kDurationDistribution,
                             .meaning = "How long it is away.",
                             .min = 1,
                             .max = 366 * kDay,
                             .allowed_for = kChurn,
                             .required_for = kChurn});
}

}  // namespace

const Section& timeline_section() {
  static const Section section = [] {
    SectionBuilder<T> b("timeline", "Faults and attacks, each at its time.");
    add_common(b);
    add_partition(b);
    add_crash(b);
    add_clock(b);
    add_link<&T::spec, &S::link>(b, kLink, "that of network");
    add_disk(b);
    add_clog_and_churn(b);
    b.discriminator("do");
    return b.take();
  }();
  return section;
}

}  // namespace orrery::scenario

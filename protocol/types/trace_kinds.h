// What nodes trace (engine/env/trace.h has the shape). Numbers are part of the digest: never reuse.
#pragma once

#include "engine/env/trace.h"

namespace orrery::chain {

enum ProtocolTrace : env::TraceKind {
  kTraceRestored = 256,    // n0 finalised height, n1 head height after boot; a finalised block
  kTraceExecuted = 257,    // n0 height, n1 slot; a block, b state root computed
  kTraceHead = 258,        // n0 height, n1 blocks abandoned; a block
  kTraceProduced = 259,    // n0 height, n1 slot; a block
  kTraceVoteRecorded = 260,  // n0 target epoch, n1 store sequence; a target block
  kTraceVoteSent = 261,    // n0 target epoch, n1 source epoch; a target block, b source block
  kTraceJustified = 262,   // n0 epoch; a block
  kTraceFinalized = 263,   // n0 epoch, n1 height; a block
  kTraceFinalDurable = 264,  // n0 epoch, n1 height; a block: acknowledged to users from now on
  kTraceFinalConflict = 265,  // n0 epoch; a block: a quorum for a block off our finalised chain
  kTraceEvidence = 266,    // n0 target epoch: conflicting votes seen; a vote id
  kTraceTxAdmitted = 267,  // n0 nonce; a transaction id
  kTraceJobDone = 268,     // n0 status, n1 work units; a task
  kTracePeerBanned = 269,  // n0 peer
  kTraceBadMessage = 270,  // n0 peer, n1 type
  kTraceUserRequest = 271,  // n0 request id, n1 1 if accepted; a transaction id
};

}  // namespace orrery::chain

// Evidence in blocks (P-5): two votes that one validator must not have signed both cost it its
// bond.
#pragma once

#include "protocol/ledger/module.h"

namespace orrery::chain {

// kRefused unless both votes are signed by one validator and break a slashing condition. Whether
// the validator is bonded and not yet punished is for the state to say.
Status check_evidence(const ChainParams& params, const Evidence& evidence);
// False if this offence (validator and target epoch) was punished in `state`, or if in the block of
// `height` the validator has nothing left to answer with.
bool evidence_is_new(const StateTree& state, std::uint64_t height, const Evidence& evidence);

Module evidence_module();

}  // namespace orrery::chain

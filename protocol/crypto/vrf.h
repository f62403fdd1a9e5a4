// The verifiable random function ECVRF-EDWARDS25519-SHA512-TAI of RFC 9381: an output that only the
// holder of a key can compute, that anybody can check, and that the holder cannot choose.
#pragma once

#include <optional>

#include "protocol/crypto/keys.h"

namespace orrery::chain {

using VrfProof = FixedBytes<struct VrfProofTag, 80>;    // Gamma | c | s
using VrfOutput = FixedBytes<struct VrfOutputTag, 64>;  // beta

// pi of section 5.1. `alpha` is a signing_message, so that outputs for two purposes are unrelated.
VrfProof vrf_prove(const KeyPair& key, ByteView alpha);

// beta alone, for the holder's own use (did I win?): equal to that of vrf_prove at well under half
// the cost, since no proof is made.
VrfOutput vrf_evaluate(const KeyPair& key, ByteView alpha);

// beta if the proof is valid for this key and input (section 5.3), else nothing. Stricter than the
// RFC in one point: a key or Gamma outside the prime-order group is refused, so there is exactly
// one Gamma for a key and input; no honest prover makes another.
[[nodiscard]] std::optional<VrfOutput> vrf_verify(const PublicKey& key, ByteView alpha,
                                                  const VrfProof& proof);

// beta of a proof that is already known to be valid (section 5.2); nothing if it does not decode.
std::optional<VrfOutput> vrf_proof_to_hash(const VrfProof& proof);

// Whether the key may take part in lotteries (section 5.4.5): a canonical point of the prime-order
// group. To be asked once, when a key is registered.
[[nodiscard]] bool vrf_validate_key(const PublicKey& key);

}  // namespace orrery::chain

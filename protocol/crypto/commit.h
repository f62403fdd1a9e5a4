// Hiding, binding commitments by hash: publish now, open later. The salt is what hides a content
// that can be guessed; the domain binds the commitment to its purpose and chain.
#pragma once

#include "protocol/crypto/keys.h"

namespace orrery::chain {

using Salt = FixedBytes<struct SaltTag, 32>;  // secret and random until the opening

// SHA-256 of: domain (as signing_message frames it) | salt | content. The salt has a fixed size and
// comes first, so nothing can be moved from one field into the other. Put into `content` whoever
// commits: a copied commitment must be worthless to the copier.
Hash256 commitment(const Domain& domain, const Salt& salt, ByteView content);

}  // namespace orrery::chain

#include "protocol/crypto/commit.h"

#include "engine/base/codec.h"

namespace orrery::chain {

Hash256 commitment(const Domain& domain, const Salt& salt, ByteView content) {
  return domain_hash(domain, Writer().raw(salt.view()).raw(content).view());
}

}  // namespace orrery::chain

// The key of an account in a file that only its owner can read. Whoever has the file can spend.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "protocol/crypto/keys.h"

namespace orrery::testnet {

// A fresh key from the system's randomness, on disk before this returns. kInvalidArgument: the file
// exists. kIo: it cannot be written, or the system gives no randomness.
Result<chain::KeyPair> create_key_file(const std::string& path);

// kNotFound: no file. kInvalidArgument: others than the owner can read it. kMalformed: not a key
// file, or its public key is not that of its seed.
Result<chain::KeyPair> read_key_file(const std::string& path);

}  // namespace orrery::testnet

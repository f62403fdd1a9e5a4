// A TCP port that stays ours while its process is down: bound, never listening, and shared with
// whoever of the same user listens on it (SO_REUSEPORT). Connections to it are refused until a
// listener comes, and the system gives it to nobody else.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace orrery::testnet {

class ReservedPort {
 public:
  ReservedPort() = default;
  // port 0: the system picks. kIo "ip:port is taken" with the system's reason.
  static Result<ReservedPort> reserve(const std::string& ip, std::uint16_t port);
  ReservedPort(ReservedPort&& other) noexcept;
  ReservedPort& operator=(ReservedPort&& other) noexcept;
  ~ReservedPort();

  std::uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace orrery::testnet

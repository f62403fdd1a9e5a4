#include "harness/testnet/descriptor.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace orrery::testnet {

void Descriptor::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

tl::unexpected<Error> io_error(const std::string& what) {
  return fail(ErrorCode::kIo, what + ": " + std::strerror(errno));
}

}  // namespace orrery::testnet

#include "harness/testnet/ports.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace orrery::testnet {
namespace {

// Whether somebody listens there already: with SO_REUSEPORT, binding alone would not tell.
bool has_listener(const sockaddr_in& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;  // connections of a program that has ended do not count
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool taken =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == EADDRINUSE;
  ::close(fd);
  return taken;
}

}  // namespace

Result<ReservedPort> ReservedPort::reserve(const std::string& ip, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) {
    return fail(ErrorCode::kInvalidArgument, ip + " is no IPv4 address");
  }
  if (port != 0 && has_listener(address)) {
    return fail(ErrorCode::kIo, fmt::format("{}:{} is taken by another program", ip, port));
  }
  ReservedPort reserved;
  reserved.fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(reserved.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(reserved.fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  socklen_t size = sizeof address;
  if (reserved.fd_ < 0 ||
      ::bind(reserved.fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(reserved.fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail(ErrorCode::kIo, fmt::format("{}:{}: {}", ip, port, std::strerror(errno)));
  }
  reserved.port_ = ntohs(address.sin_port);
  return reserved;
}

ReservedPort::ReservedPort(ReservedPort&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}

ReservedPort& ReservedPort::operator=(ReservedPort&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(port_, other.port_);
  return *this;
}

ReservedPort::~ReservedPort() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace orrery::testnet

// Owns a file descriptor.
#pragma once

#include <string>
#include <utility>

#include "engine/base/result.h"

namespace orrery::testnet {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }
  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_;
};

// "what: the system's reason", of the last call that failed.
tl::unexpected<Error> io_error(const std::string& what);

}  // namespace orrery::testnet

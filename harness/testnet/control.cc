#include "harness/testnet/control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "harness/testnet/descriptor.h"

namespace orrery::testnet {
namespace {

constexpr std::size_t kMaxAnswer = 64 << 20;  // status of 10,000 nodes is 4 MB

// A socket's path holds 107 bytes; /proc/self/fd/N/control.sock names any folder in fewer.
struct ShortPath {
  Descriptor folder;
  sockaddr_un address{};

  explicit ShortPath(const Home& home)
      : folder(::open(home.dir().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    address.sun_family = AF_UNIX;
    const std::string path = fmt::format("/proc/self/fd/{}/control.sock", folder.get());
    path.copy(address.sun_path, sizeof address.sun_path - 1);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

}  // namespace

Result<std::string> ask(const Home& home, const std::string& order, Duration timeout) {
  const ShortPath path(home);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return io_error("a socket");
  if (::connect(socket.get(), path.get(), sizeof path.address) != 0) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: no supervisor runs here; orrery start --home {} starts it",
                            home.dir(), home.dir()));
  }
  const std::string line = order + "\n";
  if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    return io_error("the supervisor");
  }
  std::string answer;
  while (answer.empty() || answer.back() != '\n') {
    pollfd wait{socket.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(timeout.ns / 1'000'000));
    if (ready < 0 && errno == EINTR) return fail(ErrorCode::kInterrupted, "interrupted");
    if (ready == 0) return fail(ErrorCode::kLimit, "the supervisor does not answer");
    char buffer[65536];
    const ssize_t n = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (n <= 0 || answer.size() > kMaxAnswer) {
      return fail(ErrorCode::kIo, "the supervisor went away; see " + home.log("supervisor"));
    }
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  answer.pop_back();
  return answer;
}

void wait_until_unlocked(const Home& home) {
  const Descriptor lock(::open(home.lock().c_str(), O_RDWR | O_CLOEXEC));
  while (lock.get() >= 0 && ::flock(lock.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
}

Result<int> listen_at(const Home& home) {
  const ShortPath path(home);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(home.socket().c_str());  // of a supervisor that was killed; the lock says it is gone
  if (socket.get() < 0 || ::bind(socket.get(), path.get(), sizeof path.address) != 0 ||
      ::listen(socket.get(), 64) != 0) {
    return io_error(home.socket());
  }
  return socket.release();
}

}  // namespace orrery::testnet

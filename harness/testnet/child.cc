#include "harness/testnet/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

extern char** environ;

namespace orrery::testnet {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace

Result<Child> spawn(const ChildOptions& options) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(ErrorCode::kIo, std::string("a socket pair: ") + std::strerror(errno));
  }
  // Away from the number that it gets in the child, so that dup2 there clears close-on-exec.
  const int high = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
  ::close(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, options.log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_adddup2(&actions, high, kControlFd);
  // A group of its own: Ctrl-C on a terminal is not meant for it. No signal stays blocked.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> environment = options.environment;
  for (char** e = environ; *e; ++e) environment.emplace_back(*e);
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, options.command.front().c_str(), &actions, &attributes,
                     pointers(options.command).data(), pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(high);
  if (error != 0) {
    ::close(ends[0]);
    return fail(ErrorCode::kIo,
                fmt::format("{}: {}", options.command.front(), std::strerror(error)));
  }
  return Child{pid, ends[0]};
}

Status run_and_wait(const std::vector<std::string>& command, const std::string& log) {
  ASSIGN_OR_RETURN(const Child child, spawn({.command = command, .log = log}));
  ::close(child.control);
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(ErrorCode::kIo, fmt::format("{} failed; see {}", fmt::join(command, " "), log));
}

bool is_alive(int pid) { return pid > 0 && ::kill(pid, 0) == 0; }

}  // namespace orrery::testnet

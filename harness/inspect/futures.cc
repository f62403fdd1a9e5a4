#include "harness/inspect/futures.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

namespace orrery::inspect {
namespace {

// Of a child whose future could not begin.
constexpr int kBroken = 7;

[[noreturn]] void live(run::World& world, const Future& future, const FuturesOptions& options) {
  int code = kBroken;
  try {
    const Status taken =
        future.branch.spec.changes_anything() ? world.take(future.branch) : Status{};
    if (taken) {
      code = options.finish(future, world);
    } else {
      std::fprintf(stderr, "%s: %s\n", future.name.c_str(), taken.error().message.c_str());
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", future.name.c_str(), error.what());
  }
  std::fflush(nullptr);
  _exit(code);  // what the parent owns is the parent's to destroy
}

FutureEnd end_of(int status) {
  if (WIFEXITED(status)) return {.ran = true, .code = WEXITSTATUS(status)};
  return {.ran = false, .code = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
}

}  // namespace

Status check_names(const std::vector<Future>& futures) {
  for (std::size_t i = 0; i < futures.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (futures[i].name != futures[j].name) continue;
      return fail(ErrorCode::kInvalidArgument,
                  "two futures are called " + futures[i].name + ": name one, NAME := ...");
    }
  }
  return {};
}

Result<std::vector<FutureEnd>> run_futures(run::World& world, const std::vector<Future>& futures,
                                           const FuturesOptions& options) {
  std::vector<FutureEnd> ends(futures.size());
  std::map<pid_t, std::size_t> running;
  std::optional<Error> error;
  const auto await_one = [&] {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, 0);
    const auto it = running.find(pid);
    if (it == running.end()) return;  // interrupted, or a child of somebody else
    ends[it->second] = end_of(status);
    running.erase(it);
  };
  for (std::size_t i = 0; i < futures.size() && !error; ++i) {
    while (running.size() >= std::max(1u, options.jobs)) await_one();
    std::fflush(nullptr);  // or each child would print it again
    const pid_t pid = fork();
    if (pid == 0) live(world, futures[i], options);
    if (pid < 0) {
      error = Error{ErrorCode::kIo, std::string("no process for a future: ") + strerror(errno)};
    } else {
      running[pid] = i;
    }
  }
  while (!running.empty()) await_one();
  if (error) return tl::unexpected<Error>(*error);
  return ends;
}

}  // namespace orrery::inspect

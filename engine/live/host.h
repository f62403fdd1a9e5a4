// A live node: the state machine on its real environment. The host opens the disk, the network and
// the flight log, boots the node, and feeds it events one at a time, on the loop that it was given.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/env/env.h"
#include "engine/live/transport.h"

namespace boost::asio {
class io_context;
}

namespace orrery::live {

// Executes a job; called on worker threads, so it must be safe to call from several.
using ComputeFunction = std::function<env::JobResult(const env::JobSpec&)>;
using LogFunction = std::function<void(env::LogLevel level, std::string_view line)>;

struct HostOptions {
  std::uint32_t index = 0;  // of the node within the network: goes into the flight log
  TransportOptions transport;
  std::string data_dir;                      // RocksDB; created if missing
  std::string flight_dir;                    // empty: no flight log
  Duration wall_error = Duration::millis(50);  // the claim about the machine's UTC
  std::uint32_t device_class = 0;
  unsigned compute_threads = 1;
  ComputeFunction compute;
  LogFunction log;
#ifdef ORRERY_SEEDED_BUGS
  // The clocks move while a handler runs: what the flight log cannot know.
  bool clock_moves_in_handlers = false;
#endif
};

class Host {
 public:
  // `node` is not booted yet.
  static Result<std::unique_ptr<Host>> open(boost::asio::io_context& loop, HostOptions options,
                                            std::unique_ptr<env::Node> node);
  ~Host();

  // Boots the node and begins to deliver. `on_failure`: the node or its disk failed; it has
  // stopped.
  void start(std::function<void(const Error&)> on_failure);
  // Clean end: no more events, sessions closed, disk and flight log durable.
  void stop();

  const env::Node& node() const;
  env::Env& env();  // for observers that read the store
  TcpTransport& transport();
  // Of events handled, and of when the last one was.
  std::uint64_t events() const;

  // Sees every trace event; called after the handler that emitted them, in order. Sinks outlive the
  // host. `now` is UTC.
  void add_sink(env::TraceSink& sink);
  // The answer comes on the loop. A node that stops first never answers.
  void request(Buffer body, std::function<void(const Buffer&)> on_reply);
  void admin(Buffer body);
  // Moves the wall clock, as a fault of the timeline does.
  void set_clock_offset(Duration offset);

 private:
  class Impl;
  explicit Host(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace orrery::live

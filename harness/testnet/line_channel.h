// Lines of JSON over a connected local socket: how a supervisor and its nodes talk, and how
// commands talk to a supervisor. Bounded both ways: who sends an endless line or never reads is cut
// off.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace orrery::testnet {

class LineChannel {
 public:
  static constexpr std::size_t kMaxLine = 4 << 20;    // a request with a full prompt, in hex, fits
  static constexpr std::size_t kMaxQueued = 16 << 20;

  using LineFunction = std::function<void(const std::string& line)>;
  using ClosedFunction = std::function<void()>;  // once, when the other side is gone or cut off

  // Takes the descriptor over. Callbacks run on the loop.
  LineChannel(boost::asio::io_context& loop, int fd, LineFunction on_line,
              ClosedFunction on_closed);
  ~LineChannel();  // closes; no callback follows
  LineChannel(const LineChannel&) = delete;
  LineChannel& operator=(const LineChannel&) = delete;

  void send(std::string line);  // without its newline
  bool open() const;
  std::size_t queued() const;  // bytes that wait for the other side to read

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace orrery::testnet

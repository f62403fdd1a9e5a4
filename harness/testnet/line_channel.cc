#include "harness/testnet/line_channel.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <istream>

namespace orrery::testnet {

namespace asio = boost::asio;

class LineChannel::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& loop, int fd, LineFunction on_line, ClosedFunction on_closed)
      : socket_(loop, asio::local::stream_protocol(), fd),
        in_(kMaxLine),
        on_line_(std::move(on_line)),
        on_closed_(std::move(on_closed)) {}

  void read() {
    asio::async_read_until(
        socket_, in_, '\n', [self = shared_from_this()](boost::system::error_code error, size_t) {
          if (error) return self->closed();
          std::string line;
          std::istream stream(&self->in_);
          std::getline(stream, line);
          if (!self->detached_) self->on_line_(line);
          if (!self->detached_ && self->socket_.is_open()) self->read();
        });
  }

  void send(std::string line) {
    if (!socket_.is_open()) return;
    queued_ += line.size() + 1;
    if (queued_ > kMaxQueued) return closed();
    out_.push_back(std::move(line) + "\n");
    if (out_.size() == 1) write();
  }

  void write() {
    asio::async_write(socket_, asio::buffer(out_.front()),
                      [self = shared_from_this()](boost::system::error_code error, size_t) {
                        if (error) return self->closed();
                        self->queued_ -= self->out_.front().size();
                        self->out_.pop_front();
                        if (!self->out_.empty()) self->write();
                      });
  }

  void detach() {
    detached_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  void closed() {
    if (!socket_.is_open()) return;
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (!detached_) on_closed_();
  }

  asio::local::stream_protocol::socket socket_;
  std::size_t queued_ = 0;

 private:
  asio::streambuf in_;
  std::deque<std::string> out_;
  LineFunction on_line_;
  ClosedFunction on_closed_;
  bool detached_ = false;
};

LineChannel::LineChannel(asio::io_context& loop, int fd, LineFunction on_line,
                         ClosedFunction on_closed)
    : impl_(std::make_shared<Impl>(loop, fd, std::move(on_line), std::move(on_closed))) {
  impl_->read();
}
LineChannel::~LineChannel() { impl_->detach(); }
void LineChannel::send(std::string line) { impl_->send(std::move(line)); }
std::size_t LineChannel::queued() const { return impl_->queued_; }
bool LineChannel::open() const { return impl_->socket_.is_open(); }

}  // namespace orrery::testnet

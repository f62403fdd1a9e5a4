// Transports on loopback, all on one loop that a test turns until what it waits for has come.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/live/transport.h"

namespace orrery::live {

using boost::asio::ip::tcp;
using env::Channel;
using env::DownReason;
using env::SendStatus;

class Loop {
 public:
  static constexpr std::chrono::seconds kLimit{10};  // of any wait: then the test fails

  boost::asio::io_context& context() { return context_; }
  bool until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + kLimit;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      if (context_.stopped()) context_.restart();
      context_.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }
  // Turns the loop for a while, to see that something does not happen.
  void spin(std::chrono::milliseconds time) {
    if (context_.stopped()) context_.restart();
    context_.run_for(time);
  }

 private:
  boost::asio::io_context context_;
};

// A transport and what its node has heard.
class Peer {
 public:
  Peer(Loop& loop, std::uint8_t seed, TransportOptions options = {}) : loop_(loop) {
    options.identity_seed[0] = seed;
    if (options.network.empty()) options.network = "net";
    auto made = TcpTransport::listen(loop.context(), options,
                                     [this](env::Event event) { hear(std::move(event)); });
    EXPECT_TRUE(made) << made.error().message;
    transport = std::move(*made);
  }

  template <class T>
  std::vector<T> heard() const {
    std::vector<T> found;
    for (const env::Event& event : events) {
      if (const T* match = std::get_if<T>(&event)) found.push_back(*match);
    }
    return found;
  }
  template <class T>
  std::size_t count() const {
    return heard<T>().size();
  }
  bool connected() const { return transport->peers().size() == 1; }
  env::PeerId peer() const { return transport->peers().at(0).peer; }
  env::Address at() const { return transport->self(); }
  SendStatus send(std::string_view text, Channel channel = Channel::kReliable) {
    return transport->send(peer(), channel, Buffer(Bytes(text.begin(), text.end())));
  }
  bool got(std::string_view text) const {
    for (const auto& message : heard<env::MessageIn>()) {
      if (as_text(message.payload.view()) == text) return true;
    }
    return false;
  }
  // "up", "down <reason>", "message", "dial failed", in order.
  std::string story() const;

  std::unique_ptr<TcpTransport> transport;
  std::vector<env::Event> events;
  std::function<void(const env::Event&)> on_event;  // as a node would act

 private:
  void hear(env::Event event) {
    events.push_back(event);
    if (on_event) on_event(event);
  }
  Loop& loop_;
};

inline std::string Peer::story() const {
  static constexpr const char* kReasons[] = {"closed by us", "closed by remote", "reset",
                                             "unreachable"};
  std::string story;
  for (const env::Event& event : events) {
    if (!story.empty()) story += ", ";
    if (std::holds_alternative<env::PeerUp>(event)) story += "up";
    if (const auto* down = std::get_if<env::PeerDown>(&event)) {
      story += std::string("down ") + kReasons[static_cast<int>(down->reason)];
    }
    if (std::holds_alternative<env::MessageIn>(event)) story += "message";
    if (std::holds_alternative<env::DialFailed>(event)) story += "dial failed";
  }
  return story;
}

inline bool join(Loop& loop, Peer& a, Peer& b) {
  a.transport->dial(b.at());
  return loop.until([&] { return a.connected() && b.connected(); });
}

// A plain TCP client that speaks or keeps silent as the test says.
class Stranger {
 public:
  Stranger(Loop& loop, std::uint16_t port) : socket_(loop.context()) {
    boost::system::error_code error;
    socket_.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port), error);
    EXPECT_FALSE(error);
    socket_.non_blocking(true);
  }
  void say(ByteView bytes) {
    boost::system::error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(bytes.data(), bytes.size()), ignored);
  }
  Bytes read(Loop& loop, std::size_t size) {
    Bytes bytes(size);
    std::size_t got = 0;
    EXPECT_TRUE(loop.until([&] {
      boost::system::error_code none_yet;
      got += socket_.read_some(boost::asio::buffer(bytes.data() + got, size - got), none_yet);
      return got == size;
    }));
    return bytes;
  }
  // The other side has closed.
  bool is_closed() {
    std::uint8_t byte[64];
    boost::system::error_code error;
    while (!error) socket_.read_some(boost::asio::buffer(byte), error);
    return error != boost::asio::error::would_block;
  }

 private:
  tcp::socket socket_;
};

}  // namespace orrery::live

// Asks one live node: JSON-RPC 2.0 over HTTP, a connection a call, no state between calls. For
// commands and tests; a value that anybody may copy, and each call blocks its thread until the
// answer or its deadline.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace orrery::testnet {

class RpcClient {
 public:
  static constexpr std::size_t kMaxAnswerBytes = 16 << 20;  // twice what a node sends at most
  static constexpr Duration kCallTimeout = Duration::seconds(10);

  // "http://127.0.0.1:4001", "http://[::1]:4001" or "http://localhost:4001": nodes answer under
  // numbers and localhost only. kInvalidArgument.
  static Result<RpcClient> at(const std::string& url);

  const std::string& url() const { return url_; }

  // `params` and the result are JSON texts. Every error names the URL and the method:
  //   kIo         nobody answers there, or not as a node does
  //   kMalformed  the answer is not JSON-RPC
  //   kLimit      connected, but no whole answer within `timeout`
  //   kRefused    the node's own words, with the error's code in brackets
  Result<std::string> call(const std::string& method, const std::string& params = "{}",
                           Duration timeout = kCallTimeout) const;

 private:
  RpcClient(std::string url, std::string ip, std::uint16_t port)
      : url_(std::move(url)), ip_(std::move(ip)), port_(port) {}

  std::string url_;
  std::string ip_;
  std::uint16_t port_ = 0;
};

}  // namespace orrery::testnet
